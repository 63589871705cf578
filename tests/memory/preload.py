"""LD_PRELOAD takes blanks in a path for ends of it."""
import atexit
import os
import shutil
import tempfile


def preloadable(library):
    """The path of a link to the library, without a blank."""
    folder = tempfile.mkdtemp(prefix="kvreplay-preload-", dir="/tmp")
    atexit.register(shutil.rmtree, folder)
    link = os.path.join(folder, "failing.so")
    os.symlink(os.path.abspath(library), link)
    return link
