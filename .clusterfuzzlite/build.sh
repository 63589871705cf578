#!/bin/bash -eu
exec fuzz/ossfuzz.sh
