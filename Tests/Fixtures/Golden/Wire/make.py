"""Makes frames.json: a frame of each of the 96 types, by another implementation of Protocol Buffers and of Ed25519.

  python3 -m venv venv && venv/bin/pip install protobuf==4.21.12 pynacl
  venv/bin/python make.py > frames.json        (needs protoc 3.21, Debian's protobuf-compiler)

Fields are filled from a small generator that this script and nobody else has; the Swift test reads the values from the JSON beside each frame.
"""
import importlib
import json
import os
import re
import struct
import subprocess
import sys
import tempfile

from google.protobuf import json_format
from nacl.signing import SigningKey

HERE = os.path.dirname(os.path.abspath(__file__))
PROTO = os.path.join(HERE, "../../../../Sources/CentramWire/Proto")
FAMILIES = ["session", "discovery", "genome", "lineage", "training", "hyperlink", "economy", "content"]


def rules():
    """The bracket at the end of each field's comment, by message and field."""
    found, message, comment = {}, None, ""
    for family in FAMILIES:
        for line in open(os.path.join(PROTO, family + ".proto"), encoding="utf-8"):
            line = line.strip()
            if line.startswith("//"):
                comment += " " + line[2:].strip()
                continue
            if match := re.match(r"message (\w+)", line):
                message = match[1]
            if match := re.match(r"(?:repeated )?[\w.]+ (\w+) = \d+;", line):
                bracket = re.search(r"\[([^\]]+)\]$", comment)
                found[message, match[1]] = bracket[1] if bracket else ""
            comment = ""
    return found


RULES = rules()


def scalar(field, rule, seed):
    numbers = [int(n) for n in re.findall(r"\d+", rule)]
    if field.type in (field.TYPE_BYTES, field.TYPE_STRING):
        fixed = re.search(r"(\d+) bytes", rule)
        size = int(fixed[1]) if fixed and not re.search(r"(at most|to) \d+ bytes", rule) else 3 + seed % 8
        text = "".join(chr(97 + (seed * 7 + i * 3) % 26) for i in range(size))
        return text if field.type == field.TYPE_STRING else text.encode()
    if field.type in (field.TYPE_FLOAT, field.TYPE_DOUBLE):
        return 0.5 if "0 to" in rule or "at most" in rule else -1.25
    if field.type == field.TYPE_BOOL:
        return True
    if field.type == field.TYPE_ENUM:
        values = field.enum_type.values
        return values[1 + seed % (len(values) - 1)].number
    low = numbers[0] if numbers and not rule.startswith("at most") else 1
    high = numbers[-1] if numbers and not rule.startswith("at least") and "items" not in rule else low + 200
    return low + seed * 31 % (high - low + 1)


def fill(message, seed):
    for field in message.DESCRIPTOR.fields:
        rule = RULES[message.DESCRIPTOR.name, field.name]
        count = 1 + seed % 3 if field.label == field.LABEL_REPEATED else 1
        for i in range(count):
            at = seed + field.number * 5 + i
            if field.label == field.LABEL_REPEATED:
                target = getattr(message, field.name)
                fill(target.add(), at) if field.message_type else target.append(scalar(field, rule, at))
            elif field.message_type:
                fill(getattr(message, field.name), at)
                getattr(message, field.name).SetInParent()
            else:
                setattr(message, field.name, scalar(field, rule, at))


def main():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["protoc", f"-I{PROTO}", f"--python_out={folder}", *[f + ".proto" for f in FAMILIES]], check=True)
        sys.path.insert(0, folder)
        modules = [importlib.import_module(f + "_pb2") for f in FAMILIES]
    key, other = SigningKey(bytes([3]) * 32), SigningKey(bytes([4]) * 32)
    frames = []
    for high, (family, module) in enumerate(zip(FAMILIES, modules)):
        text = open(os.path.join(PROTO, family + ".proto"), encoding="utf-8").read()
        for number, name in re.findall(r"// Type 0x([0-9a-f]{4}),.*\nmessage (\w+)", text):
            message = getattr(module, name)()
            fill(message, high * 12 + len(frames))
            payload = message.SerializeToString(deterministic=True)
            session = bytes(range(len(frames), len(frames) + 16))
            sequence, time, answers, flags = len(frames) + 1, 1_700_000_000_000 + len(frames), len(frames) // 2, len(frames) % 2
            recipient = bytes(32) if high == 1 else bytes(other.verify_key)
            header = b"CTRM" + bytes([1, flags]) + struct.pack(">H", int(number, 16)) + bytes(key.verify_key) + recipient + session
            header += struct.pack(">QQQI", sequence, time, answers, len(payload))
            signature = key.sign(b"centram/1/frame\0" + header + payload).signature
            frames.append({
                "name": name, "family": family, "type": int(number, 16), "sequence": sequence, "time": time, "inReplyTo": answers, "replyExpected": flags == 1,
                "session": session.hex(), "recipient": recipient.hex(), "json": json_format.MessageToJson(message, indent=None, sort_keys=True),
                "frame": (header + payload + signature).hex()})
    print(json.dumps({"seed": (bytes([3]) * 32).hex(), "sender": bytes(key.verify_key).hex(), "frames": frames}, indent=1))


main()
