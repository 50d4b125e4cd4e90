"""Makes ed25519.json: signatures that a lax check takes and a strict one refuses, and some that it takes.

Plain arithmetic on the curve after RFC 8032, with nothing but the standard library, so that it is independent of libsodium.
Run: python3 ed25519.py > ed25519.json
"""
import hashlib
import json

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
I = pow(2, (P - 1) // 4, P)


def add(a, b):
    (x1, y1), (x2, y2) = a, b
    k = D * x1 * x2 * y1 * y2 % P
    return (x1 * y2 + x2 * y1) * pow(1 + k, P - 2, P) % P, (y1 * y2 + x1 * x2) * pow(1 - k, P - 2, P) % P


def multiply(n, point):
    result = (0, 1)
    while n:
        if n & 1:
            result = add(result, point)
        point, n = add(point, point), n >> 1
    return result


def recover(y, sign):
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * I % P
    if (x * x - square) % P:
        return None
    return (P - x if x & 1 != sign else x) % P, y % P


def encode(point):
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def number(text):
    return int.from_bytes(text, "little")


def challenge(r, key, message):
    return number(hashlib.sha512(r + key + message).digest()) % L


BASE = recover(4 * pow(5, P - 2, P) % P, 0)
DOMAIN = b"centram/1/frame\0"


def small_order():
    """The eight points of small order: multiples of one of order eight, found by multiplying points with L."""
    y = 2
    while True:
        point = recover(y, 0)
        if point:
            torsion = multiply(L, point)
            if multiply(4, torsion) != (0, 1):
                return [multiply(i, torsion) for i in range(8)]
        y += 1


def main():
    cases = []

    def case(name, valid, key, message, r, s):
        cases.append({"name": name, "valid": valid, "key": key.hex(), "message": message.hex(), "signature": (r + s.to_bytes(32, "little")).hex()})

    digest = hashlib.sha512(bytes(range(32))).digest()
    a = number(digest[:32]) & (1 << 254) - 8 | 1 << 254
    public = multiply(a, BASE)
    key = encode(public)
    message = b"a frame's bytes"
    signed = DOMAIN + message
    nonce = number(hashlib.sha512(digest[32:] + signed).digest()) % L
    r = encode(multiply(nonce, BASE))
    s = (nonce + challenge(r, key, signed) * a) % L
    case("an honest signature", True, key, message, r, s)
    case("S plus the group's order: the same equation, another signature", False, key, message, r, s + L)
    if s + 8 * L < 2**256:
        case("S plus eight times the order", False, key, message, r, s + 8 * L)
    case("S is the order", False, key, message, r, L)
    case("S is 0", False, key, message, r, 0)
    case("another message", False, key, message + b".", r, s)
    case("another domain", False, key, b"", *_other_domain(a, key, digest))
    points = small_order()
    for index, point in enumerate(points):
        weak = encode(point)
        # With R = S·B the equation R = S·B - h·A holds wherever h is a multiple of A's order; look for a message where it does.
        for counter in range(4096):
            text = b"weak %d" % counter
            weak_r = encode(multiply(77, BASE))
            if challenge(weak_r, weak, DOMAIN + text) % 8 == 0:
                case(f"a key of small order, {index}", False, weak, text, weak_r, 77)
                break
    for index, point in enumerate(points):
        # R of small order, S = h·a: holds by the equation with the cofactor, and for the neutral element by the one without.
        weak_r = encode(point)
        case(f"R of small order, {index}", False, key, message, weak_r, challenge(weak_r, key, signed) * a % L)
    for y in (0, 1):
        for sign in (0, 1):
            text = (P + y | sign << 255).to_bytes(32, "little")
            case(f"a key that is not reduced, y = p + {y}, sign {sign}", False, text, message, encode(multiply(77, BASE)), 77)
            case(f"R that is not reduced, y = p + {y}, sign {sign}", False, key, message, text, challenge(text, key, signed) * a % L)
    negative_zero = (1 | 1 << 255).to_bytes(32, "little")
    case("a key with x = 0 and a sign", False, negative_zero, message, encode(multiply(77, BASE)), 77)
    off = next(y for y in range(2, 100) if recover(y, 0) is None)
    case("a key that is no point", False, off.to_bytes(32, "little"), message, r, s)
    case("a key of zeros, as gossip's recipient", False, bytes(32), message, r, s)
    # A key with a part of small order besides its part of large order: R made so that the equation without the cofactor holds.
    mixed = encode(add(public, points[1]))
    for counter in range(4096):
        text = b"mixed %d" % counter
        h = challenge(r, mixed, DOMAIN + text)
        if h % 8 == 0:
            case("a key of mixed order where the equation holds as it stands", True, mixed, text, r, (nonce + h * a) % L)
            break
    for counter in range(4096):
        text = b"mixed %d" % counter
        h = challenge(r, mixed, DOMAIN + text)
        if h % 8:
            case("a key of mixed order where only the equation with the cofactor holds", False, mixed, text, r, (nonce + h * a) % L)
            break
    print(json.dumps(cases, indent=1))


def _other_domain(a, key, digest):
    signed = b"centram/ledger/1\0"
    nonce = number(hashlib.sha512(digest[32:] + signed).digest()) % L
    r = encode(multiply(nonce, BASE))
    return r, (nonce + challenge(r, key, signed) * a) % L


main()
