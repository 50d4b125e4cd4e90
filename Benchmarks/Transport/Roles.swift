import CentramPluginAPI
import CentramWire
import Foundation
import Glibc

private func withBuffer<Result>(_ size: Int, _ body: (UnsafeMutableRawBufferPointer) async throws -> Result) async throws -> Result {
  let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
  defer { buffer.deallocate() }
  buffer.initializeMemory(as: UInt8.self, repeating: 7)
  return try await body(buffer)
}

private let sink: UInt8 = 66, echo: UInt8 = 80, account: UInt8 = 67, frames: UInt8 = 70

/// A stream's first byte says what is done with the rest: swallowed and answered with a byte at the end, echoed, answered frame by signed frame, or
/// answered with what this process used: processor time in ns and resident kilobytes.
func serve(_ transport: any Transport, _ address: String) async throws {
  let listener = try await transport.listen(on: address)
  print(listener.address)
  fflush(nil)
  await withDiscardingTaskGroup { group in
    while let connection = try? await listener.accept() {
      group.addTask { while let stream = try? await connection.acceptStream() { Task { try? await answer(stream) } } }
    }
  }
}

private func answer(_ stream: any TransportStream) async throws {
  try await withBuffer(1 << 18) { buffer in
    let one = UnsafeMutableRawBufferPointer(rebasing: buffer[..<1])
    guard try await stream.receive(into: one) == 1 else { return }
    let mode = buffer[0]
    switch mode {
    case sink:
      while try await stream.receive(into: buffer) > 0 {}
      try await stream.send(UnsafeRawBufferPointer(one))
    case account:
      buffer.storeBytes(of: UInt64(processorTime() * 1e9), as: UInt64.self)
      buffer.storeBytes(of: UInt64(residentKilobytes()), toByteOffset: 8, as: UInt64.self)
      try await stream.send(UnsafeRawBufferPointer(rebasing: buffer[..<16]))
    case frames:
      var pen = try FramePen(), decoder = FrameDecoder()
      while true {
        let count = try await stream.receive(into: buffer)
        if count == 0 { break }
        decoder.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        while let frame = try decoder.next() {
          let length = try pen.write(frame.bytes.count - FramePen.empty, into: buffer)
          try await stream.send(UnsafeRawBufferPointer(rebasing: buffer[..<length]))
        }
      }
    default:
      while true {
        let count = try await stream.receive(into: buffer)
        if count == 0 { break }
        try await stream.send(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      }
    }
    try await stream.finish()
    // The end of the other direction, so that dropping the stream resets nothing.
    while try await stream.receive(into: buffer) > 0 {}
  }
}

private func receive(_ count: Int, _ stream: any TransportStream, _ buffer: UnsafeMutableRawBufferPointer) async throws {
  var received = 0
  while received < count {
    let part = try await stream.receive(into: UnsafeMutableRawBufferPointer(rebasing: buffer[received..<count]))
    guard part > 0 else { throw PluginError(.closed, "the stream ended early") }
    received += part
  }
}

/// What the serving process used so far.
private func serverUse(_ connection: any TransportConnection) async throws -> (seconds: Double, kilobytes: Int) {
  try await withBuffer(16) { buffer in
    let stream = try await connection.openStream()
    buffer[0] = account
    try await stream.send(UnsafeRawBufferPointer(rebasing: buffer[..<1]))
    try await stream.finish()
    try await receive(16, stream, buffer)
    return (Double(buffer.load(as: UInt64.self)) / 1e9, Int(buffer.load(fromByteOffset: 8, as: UInt64.self)))
  }
}

func bulk(_ transport: any Transport, _ address: String, bytes: Int, streams: Int) async throws {
  let connection = try await transport.dial(address, expecting: nil)
  let before = try await serverUse(connection)
  let start = nanoseconds(), used = processorTime()
  try await withThrowingTaskGroup(of: Void.self) { group in
    for _ in 0..<streams {
      group.addTask {
        try await withBuffer(1 << 18) { buffer in
          let stream = try await connection.openStream()
          buffer[0] = sink
          try await stream.send(UnsafeRawBufferPointer(rebasing: buffer[..<1]))
          var left = bytes / streams
          while left > 0 {
            let part = min(left, buffer.count)
            try await stream.send(UnsafeRawBufferPointer(rebasing: buffer[..<part]))
            left -= part
          }
          try await stream.finish()
          try await receive(1, stream, buffer)
        }
      }
    }
    try await group.waitForAll()
  }
  let seconds = Double(nanoseconds() - start) / 1e9, ours = processorTime() - used
  let after = try await serverUse(connection)
  print("{\"mb_per_second\": \(Double(bytes) / 1e6 / seconds), \"client_cpu\": \(ours), \"server_cpu\": \(after.seconds - before.seconds)}")
  await connection.close(code: 0, reason: "")
}

func ping(_ transport: any Transport, _ address: String, count: Int, size: Int) async throws {
  let connection = try await transport.dial(address, expecting: nil), stream = try await connection.openStream()
  try await withBuffer(max(size, 16)) { buffer in
    buffer[0] = echo
    try await stream.send(UnsafeRawBufferPointer(rebasing: buffer[..<1]))
    var samples: [UInt64] = []
    for round in 0..<(count + count / 10) {
      let start = nanoseconds()
      try await stream.send(UnsafeRawBufferPointer(rebasing: buffer[..<size]))
      try await receive(size, stream, buffer)
      // The first tenth warms up.
      if round >= count / 10 { samples.append(nanoseconds() - start) }
    }
    samples.sort()
    func microseconds(_ part: Double) -> Double { Double(samples[Int(Double(samples.count - 1) * part)]) / 1000 }
    print("{\"p50_us\": \(microseconds(0.5)), \"p99_us\": \(microseconds(0.99))}")
  }
  await connection.close(code: 0, reason: "")
}

/// Signs frames with numbers that rise.
private struct FramePen {
  private let key: SigningKey
  private var sequence: UInt64 = 0

  init() throws { key = try SigningKey(seed: [UInt8](repeating: 9, count: 32)) }

  /// - Returns: the frame's length.
  mutating func write(_ payload: Int, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    sequence += 1
    var message = WirePing()
    message.padding = Data(repeating: 7, count: max(0, payload - Self.overhead))
    let frame = try Frame.signed(message, by: key, to: .anyone, sequence: sequence, unixMilliseconds: 1_700_000_000_000)
    buffer.copyBytes(from: frame.bytes)
    return frame.bytes.count
  }

  /// Of a frame without a payload: header and signature.
  static let empty = FrameHeader.byteCount + 64
  /// Of a message around its padding.
  private static let overhead = 3
}

/// Round trips of signed frames of `size` bytes: encode, sign, send, receive, verify, decode at both ends.
func frameTrips(_ transport: any Transport, _ address: String, count: Int, size: Int) async throws {
  let connection = try await transport.dial(address, expecting: nil), stream = try await connection.openStream()
  var pen = try FramePen(), decoder = FrameDecoder()
  try await withBuffer(1 << 18) { buffer in
    buffer[0] = frames
    try await stream.send(UnsafeRawBufferPointer(rebasing: buffer[..<1]))
    var samples: [UInt64] = []
    for round in 0..<(count + count / 10) {
      let start = nanoseconds()
      let length = try pen.write(size - FramePen.empty, into: buffer)
      try await stream.send(UnsafeRawBufferPointer(rebasing: buffer[..<length]))
      var answer: Frame?
      while answer == nil {
        let received = try await stream.receive(into: buffer)
        guard received > 0 else { throw PluginError(.closed, "the stream ended early") }
        decoder.append(UnsafeRawBufferPointer(rebasing: buffer[..<received]))
        answer = try decoder.next()
      }
      _ = try answer?.message(WirePing.self)
      if round >= count / 10 { samples.append(nanoseconds() - start) }
    }
    samples.sort()
    func microseconds(_ part: Double) -> Double { Double(samples[Int(Double(samples.count - 1) * part)]) / 1000 }
    print("{\"p50_us\": \(microseconds(0.5)), \"p99_us\": \(microseconds(0.99))}")
  }
  await connection.close(code: 0, reason: "")
}

func handshakes(_ transport: any Transport, _ address: String, count: Int, held: Int) async throws {
  var open: [any TransportConnection] = []
  for _ in 0..<(held + 1) { open.append(try await transport.dial(address, expecting: nil)) }
  let before = try await serverUse(open[0]), used = processorTime(), start = nanoseconds()
  for _ in 0..<count { open.append(try await transport.dial(address, expecting: nil)) }
  let seconds = Double(nanoseconds() - start) / 1e9, ours = processorTime() - used
  let after = try await serverUse(open[0])
  let both = (ours + after.seconds - before.seconds) / Double(count) * 1000
  print("{\"cpu_ms_both_ends\": \(both), \"client_cpu_ms\": \(ours / Double(count) * 1000), \"wall_ms\": \(seconds / Double(count) * 1000)}")
  for connection in open { await connection.close(code: 0, reason: "") }
}

func hold(_ transport: any Transport, _ address: String, count: Int) async throws {
  var open = [try await transport.dial(address, expecting: nil)]
  let before = try await serverUse(open[0]), ours = residentKilobytes()
  for _ in 0..<count { open.append(try await transport.dial(address, expecting: nil)) }
  let after = try await serverUse(open[0])
  print("{\"server_kb_per_peer\": \(Double(after.kilobytes - before.kilobytes) / Double(count)), \"client_kb_per_peer\": \(Double(residentKilobytes() - ours) / Double(count))}")
  for connection in open { await connection.close(code: 0, reason: "") }
}
