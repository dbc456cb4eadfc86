// Max's side: the one global function that messages reach, and what Max asks of a script.
inlets = 2; // controls, replies
outlets = 4; // commands, the replies' port, the face, the sound
autowatch = 0;

function anything() {
    Device.receive(inlet, messagename, arrayfromargs(arguments));
}

function notifydeleted() {
    Device.end();
}
