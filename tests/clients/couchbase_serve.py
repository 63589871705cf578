#!/usr/bin/env python3
"""Couchbase's SDK against kvreplay serve: what its operations come to is what the SDK's documentation states.
Usage: KVREPLAY [ARGUMENT-OF-THE-SCRIPT]... Exit status 77: the SDK is not installed."""

import os
import subprocess
import sys

import compare

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "couchbase_client.js")
BUCKET, COLLECTION = "default", "inventory.hotels"
USER, PASSWORD = "client", "secret"
PATIENCE = 150  # seconds; the script gives up sooner


def main():
    program, *arguments = sys.argv[1:]
    if not compare.installed(SCRIPT):
        return 77
    serve, port = compare.start_serve(program, "--dialect", "couchbase", "--bucket", BUCKET, "--collection", COLLECTION,
                                      "--user", f"{USER}:{PASSWORD}")
    try:
        command = ["node", SCRIPT, "127.0.0.1:" + port, USER, PASSWORD, BUCKET, *arguments]
        status = subprocess.run(command, timeout=PATIENCE).returncode
    finally:
        serve.terminate()
        ended = serve.wait(timeout=PATIENCE)
    if ended != 0:
        print(f"exit status of the server: {ended}")
    return 1 if status != 0 or ended != 0 else 0


if __name__ == "__main__":
    sys.exit(main())
