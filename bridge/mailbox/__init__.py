"""The mailbox: a folder through which programs without sockets speak to the daemon. README.md beside this file describes it."""
