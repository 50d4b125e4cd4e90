import CSodium
import CentramWire

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

// What a frame costs (encode, sign, decode, verify) against libsodium's own sign and verify of as many bytes, in turn in one run.

/// Best nanoseconds a call of several runs.
struct Best {
  var nanoseconds = Double.infinity
  mutating func run(_ calls: Int, _ body: () -> Void) {
    let took = ContinuousClock().measure { for _ in 0..<calls { body() } }
    nanoseconds = min(nanoseconds, Double(took.components.seconds) * 1e9 / Double(calls) + Double(took.components.attoseconds) / 1e9 / Double(calls))
  }
}

func compare(payload: Int, rounds: Int, calls: Int) throws {
  let key = try SigningKey(seed: [UInt8](repeating: 1, count: 32))
  let other = try SigningKey(seed: [UInt8](repeating: 2, count: 32)).publicKey
  let session = [UInt8](repeating: 3, count: 16)
  var message = WireBlobChunk()
  message.blob = Data(repeating: 4, count: 32)
  message.data = Data(repeating: 5, count: payload - 38)
  let sample = try Frame.signed(message, by: key, to: other, session: session, sequence: 1, unixMilliseconds: 1)

  var publicKey = [UInt8](repeating: 0, count: 32), secretKey = [UInt8](repeating: 0, count: 64), signature = [UInt8](repeating: 0, count: 64)
  crypto_sign_ed25519_seed_keypair(&publicKey, &secretKey, [UInt8](repeating: 1, count: 32))
  // As many bytes as the frame's signature covers: the domain, the header, the payload.
  let signed = [UInt8](repeating: 6, count: 16 + sample.bytes.count - 64)

  var theirs = Best(), ours = Best(), making = Best(), reading = Best()
  var decoder = FrameDecoder()
  var sequence: UInt64 = 0
  var total = 0
  func make() -> Frame {
    sequence += 1
    guard let frame = try? Frame.signed(message, by: key, to: other, session: session, sequence: sequence, unixMilliseconds: 1) else { fatalError("not signed") }
    return frame
  }
  func read(_ frame: Frame) {
    frame.bytes.withUnsafeBytes { decoder.append($0) }
    guard let frame = try? decoder.next(), let read = try? frame.message(WireBlobChunk.self) else { fatalError("not read") }
    total += read.data.count
  }
  for _ in 0..<rounds {
    theirs.run(calls) {
      crypto_sign_ed25519_detached(&signature, nil, signed, UInt64(signed.count), secretKey)
      guard crypto_sign_ed25519_verify_detached(signature, signed, UInt64(signed.count), publicKey) == 0 else { fatalError("not verified") }
    }
    ours.run(calls) { read(make()) }
    making.run(calls) { _ = make() }
    reading.run(calls) { read(sample) }
  }
  func microseconds(_ best: Best) -> String { "\((best.nanoseconds / 10).rounded() / 100)" }
  print(
    "| \(sample.header.payloadLength) | \(microseconds(theirs)) | \(microseconds(making)) | \(microseconds(reading)) | \(microseconds(ours)) | \((ours.nanoseconds / theirs.nanoseconds * 1000).rounded() / 1000) |"
  )
  precondition(total > 0)
}

let loads = (try? String(contentsOfFile: "/proc/loadavg", encoding: .utf8)) ?? "unknown"
print("load average \(loads.split(separator: " ").prefix(3).joined(separator: " "))")
print("| payload, bytes | libsodium sign + verify, µs | encode + sign | decode + verify | both | ratio |")
print("|---|---|---|---|---|---|")
for (payload, calls) in [(64, 500), (1024, 500), (65536, 20), (1_048_576, 2)] { try compare(payload: payload, rounds: 15, calls: calls) }
