#!/usr/bin/python3
"""A stand-in for JupyterLab that shows what a server gets through the proxy, and streams on command.

It runs inside the container as `server.command` and takes the socket's path from the arguments that
the hub appends. Below the server's own address:
  echo    answers with method, path and headers of the request as JSON, in the order received
  events  sends one server-sent event at once and the second only when `go` was asked for
  upload  reads the body and answers with its length and SHA-256
  seen    how many bytes of the running upload have arrived so far
  go      lets `events` go on
Everything else is answered like Jupyter's status page, so that the hub finds it ready.
"""
import asyncio
import hashlib
import json
import os
import sys

go = None
seen = 0


async def read_head(reader):
    """(method, path, [(name, value)]) of a request; None at the end of the connection."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.split("\r\n")[:-2]
    method, path, _ = first.split(" ")
    return method, path, [tuple(line.split(": ", 1)) if ": " in line else (line.rstrip(":"), "") for line in lines]


async def read_body(reader, headers):
    """Yields the body's parts as they come, of either framing."""
    names = {name.lower(): value for name, value in headers}
    if names.get("transfer-encoding", "").lower() == "chunked":
        while size := int(await reader.readline(), 16):
            yield await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
        return
    left = int(names.get("content-length", "0"))
    while left:
        part = await reader.read(min(left, 65536))
        if not part:
            return
        left -= len(part)
        yield part


async def serve(reader, writer):
    """One connection, many requests."""
    global seen
    while request := await read_head(reader):
        method, path, headers = request
        name = path.split("?")[0].rsplit("/", 1)[-1]
        if name == "upload":
            seen = 0
        digest, length = hashlib.sha256(), 0
        async for part in read_body(reader, headers):
            digest.update(part)
            length += len(part)
            if name == "upload":
                seen = length
        if name == "events":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\ndata: 1\n\n")
            await writer.drain()
            await go.wait()
            writer.write(b"data: 2\n\n")
            break
        if name == "go":
            go.set()
        answer = {
            "echo": {"method": method, "path": path, "headers": headers},
            "upload": {"length": length, "sha256": digest.hexdigest()},
            "seen": {"bytes": seen},
        }.get(name, {"started": "now", "kernels": 0, "connections": 0, "version": "0"})
        body = json.dumps(answer).encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-From-Server: yes\r\n"
            b"Set-Cookie: own=1; Path=/\r\nContent-Length: %d\r\n\r\n" % len(body) + (b"" if method == "HEAD" else body)
        )
        await writer.drain()
    await writer.drain()
    writer.close()


async def main():
    global go
    go = asyncio.Event()
    where = next(a.split("=", 1)[1] for a in sys.argv if a.startswith("--ServerApp.sock="))
    server = await asyncio.start_unix_server(serve, where)
    os.chmod(where, 0o660)
    async with server:
        await server.serve_forever()


asyncio.run(main())
