"""Packets of a pcap or pcapng file, as bytes that can be left out or changed."""

import struct

ENHANCED_PACKET = 6


class Capture:
    """parts: all of the file in order; packets: indexes into it of those with a packet, payloads: where its TCP payload is."""

    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        self.parts = []
        self.packets = []
        if data[:4] == b"\x0a\x0d\x0d\x0a":
            self.read_pcapng(data)
        else:
            self.read_pcap(data)

    def read_pcap(self, data):
        self.parts.append(data[:24])
        self.link = struct.unpack("<I", data[20:24])[0]
        at = 24
        while at < len(data):
            size = 16 + struct.unpack("<I", data[at + 8:at + 12])[0]
            self.packets.append((len(self.parts), 16))
            self.parts.append(data[at:at + size])
            at += size

    def read_pcapng(self, data):
        at = 0
        while at < len(data):
            kind, size = struct.unpack("<II", data[at:at + 8])
            if kind == 1:
                self.link = struct.unpack("<H", data[at + 8:at + 10])[0]
            elif kind == ENHANCED_PACKET:
                self.packets.append((len(self.parts), 28))
            self.parts.append(data[at:at + size])
            at += size

    def without(self, packet):
        index = self.packets[packet][0]
        return b"".join(self.parts[:index] + self.parts[index + 1:])

    def payload(self, packet):
        """Its place in the part: (start, end)."""
        index, start = self.packets[packet]
        part = self.parts[index]
        start += {1: 14, 101: 0}[self.link]
        version = part[start] >> 4
        if version == 4:
            end = start + struct.unpack(">H", part[start + 2:start + 4])[0]
            start += 4 * (part[start] & 15)
        else:
            end = start + 40 + struct.unpack(">H", part[start + 4:start + 6])[0]
            start += 40
        return start + 4 * (part[start + 12] >> 4), end

    def change(self, packet, at, byte):
        index = self.packets[packet][0]
        part = bytearray(self.parts[index])
        part[at] = byte
        self.parts[index] = bytes(part)

    def byte(self, packet, at):
        return self.parts[self.packets[packet][0]][at]

    def values(self):
        """Of each packet that begins with the answer to a GET that found something: (packet, the value's first byte)."""
        for packet in range(len(self.packets)):
            start, end = self.payload(packet)
            part = self.parts[self.packets[packet][0]]
            if end - start > 28 and part[start:start + 5] == b"\x81\x00\x00\x00\x04" and part[start + 6:start + 8] == b"\0\0":
                yield packet, start + 28
