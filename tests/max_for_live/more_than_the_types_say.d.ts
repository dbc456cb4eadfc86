// @types/maxmsp knows one argument of LiveAPI.call; Max takes as many as the function has, as public devices show: call("note", 60, 0, 1, 100, 0).
interface LiveAPI {
    call(func: string, ...args: any[]): any;
}
