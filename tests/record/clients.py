"""A real client speaks through the proxy, with memcached and with kvreplay serve. What was recorded is
verified: identical, and nothing lost. Usage: PROGRAM FOLDER-OF-CLIENTS SCRIPT. Exit status 77: what the
script needs is not installed, or the client dies itself, with memcached alone too."""

import sys
import tempfile
import unittest

sys.path.insert(1, sys.argv[2])
SCRIPT = sys.argv[3]

import compare
from recording import RecordTest


class Clients(RecordTest):
    def expect_recorded(self, port, name):
        proxy = self.proxy("127.0.0.1:" + port, name)
        said, status = compare.run(SCRIPT, str(proxy.port()))
        if status < 0:
            alone, status = compare.run_with_memcached(SCRIPT)
            if status < 0:
                self.skipTest(compare.death(SCRIPT, alone, status))
            self.fail("the client dies, but not with memcached alone: " + said)
        self.assertEqual(status, 0, said)
        self.stop(proxy)
        print(self.expect_identical(name))

    def test_with_memcached(self):
        with tempfile.TemporaryDirectory() as ports:
            memcached, port = compare.start_memcached(ports)
            try:
                self.expect_recorded(port, "memcached.pcapng")
            finally:
                memcached.kill()
                memcached.wait()

    def test_with_serve(self):
        self.expect_recorded(str(self.serve("-t", "2").port()), "serve.pcapng")


if __name__ == "__main__":
    if not compare.installed(SCRIPT):
        sys.exit(77)
    result = unittest.main(argv=sys.argv[:1] + sys.argv[4:], verbosity=2, exit=False).result
    sys.exit(1 if not result.wasSuccessful() else 77 if result.skipped else 0)
