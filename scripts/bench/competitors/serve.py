"""Runs a competitor as a child process of competitor.mjs: one JSON object a line comes and goes over the channel that Node.js opens."""

import json
import os
import resource
import socket
import sys


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def serve(peer):
    """Answers calls of the peer's methods, which take one argument each, until the other process is gone."""
    if "NODE_CHANNEL_FD" not in os.environ:
        sys.exit("This is started by a benchmark of scripts/bench.")
    channel = socket.socket(fileno=int(os.environ["NODE_CHANNEL_FD"]))
    last_answer = cpu_seconds()
    for line in channel.makefile("rb"):
        message = json.loads(line)
        idle, start = cpu_seconds() - last_answer, cpu_seconds()
        try:
            answer = {"result": getattr(peer, message["method"])(message.get("argument"))}
        except Exception as error:  # it is the other process that reports it
            answer = {"error": f"{type(error).__name__}: {error}"}
        last_answer = cpu_seconds()
        answer.update(cpuSeconds=last_answer - start, idleCpuSeconds=idle)
        channel.sendall(json.dumps(answer).encode() + b"\n")
