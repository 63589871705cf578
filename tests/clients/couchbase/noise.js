// Bytes that do not compress, the same ones each time.
"use strict";

function noise(length) {
  const bytes = Buffer.alloc(length);
  let x = 88675123;
  for (let i = 0; i < length; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    bytes[i] = x;
  }
  return bytes;
}

module.exports = { noise };
