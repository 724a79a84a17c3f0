"""Runs a command on a terminal of its own and talks to it.

Takes JSON on stdin: {"argv": [...], "cwd": "...", "env": {...}, "dialogue": [[expected, answer], ...],
"input": null or the text of a pipe that is the command's stdin}.
Prints JSON: {"transcript": "...", "exitCode": n}. Ends with exit code 3 if an expected text doesn't come.
"""

import json
import os
import pty
import select
import sys
import termios
import time

SECONDS = 100


def shows_what_is_typed():
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)


task = json.load(sys.stdin)
pipe = os.pipe() if task["input"] is not None else None
pid, terminal = pty.fork()
if pid == 0:
    os.chdir(task["cwd"])
    if pipe is not None:
        os.dup2(pipe[0], 0)
        os.close(pipe[0])
        os.close(pipe[1])
    os.execvpe(task["argv"][0], task["argv"], task["env"])

if pipe is not None:
    os.close(pipe[0])
    os.write(pipe[1], task["input"].encode())
    os.close(pipe[1])

transcript = b""
seen = 0
dialogue = list(task["dialogue"])
deadline = time.monotonic() + SECONDS
while True:
    if time.monotonic() > deadline:
        sys.stderr.write("no more came; so far: " + transcript.decode(errors="replace"))
        os.kill(pid, 9)
        sys.exit(3)
    if not select.select([terminal], [], [], 0.2)[0]:
        continue
    try:
        chunk = os.read(terminal, 65536)
    except OSError:
        break
    if chunk == b"":
        break
    transcript += chunk
    while dialogue:
        at = transcript.find(dialogue[0][0].encode(), seen)
        if at < 0:
            break
        seen = at + len(dialogue[0][0].encode())
        # The prompt is drawn before the terminal is switched to take single keys.
        time.sleep(0.3)
        while b"(not shown)" in transcript[at:] and shows_what_is_typed() and time.monotonic() < deadline:
            time.sleep(0.1)
        os.write(terminal, dialogue[0][1].encode())
        dialogue.pop(0)

_, status = os.waitpid(pid, 0)
if dialogue:
    sys.stderr.write("never came: " + dialogue[0][0] + "; transcript: " + transcript.decode(errors="replace"))
    sys.exit(3)
print(json.dumps({"transcript": transcript.decode(errors="replace"), "exitCode": os.waitstatus_to_exitcode(status)}))
