internal import CSandbox
internal import Glibc

/// One end of a socket that keeps message boundaries. Used by one thread at a time; closed with the last reference.
final class PacketSocket: @unchecked Sendable {  // one user at a time, as said above
  private let descriptor: Int32
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Message.headSize + Message.packetSize, alignment: 16)

  init(_ descriptor: Int32) { self.descriptor = descriptor }

  deinit {
    close(descriptor)
    buffer.deallocate()
  }

  /// Two ends that are connected: one to keep, which looks at its deadlines, and a descriptor to send away.
  static func pair() throws(ChannelError) -> (own: PacketSocket, other: Int32) {
    var ends: (Int32, Int32) = (0, 0)
    let status = withUnsafeMutablePointer(to: &ends) { $0.withMemoryRebound(to: Int32.self, capacity: 2) { centram_socket_pair($0) } }
    guard status == 0 else { throw .system(-status) }
    return (PacketSocket(ends.0), ends.1)
  }

  /// Has deadlines looked at.
  func watchDeadlines() throws(ChannelError) {
    let status = centram_socket_prepare(descriptor)
    guard status == 0 else { throw .system(-status) }
  }

  /// - Parameter deadline: nanoseconds of the monotonic clock; 0: none.
  func send(_ message: Message, descriptors: [Int32] = [], deadline: UInt64 = 0) throws(ChannelError) {
    guard message.payload.count <= Message.limit(message.operation) else { throw .broken("\(message.payload.count) bytes of \(message.operation)") }
    var head: (UInt64, UInt64, UInt64) = (0, 0, 0)
    withUnsafeMutableBytes(of: &head) { message.writeHead(to: $0) }
    let status = message.payload.withUnsafeBytes { payload -> Int32 in
      var part = min(payload.count, Message.packetSize)
      var status = centram_packet_send(descriptor, &head, Message.headSize, payload.baseAddress, part, descriptors, Int32(descriptors.count), deadline)
      var sent = part
      while status == 0, sent < payload.count {
        part = min(payload.count - sent, Message.packetSize)
        status = centram_packet_send(descriptor, payload.baseAddress.map { $0 + sent }, part, nil, 0, nil, 0, deadline)
        sent += part
      }
      return status
    }
    try check(Int(status))
  }

  /// - Parameter limit: bytes of payload that are taken.
  func receive(limit: Int = Message.sizeLimit, deadline: UInt64 = 0) throws(ChannelError) -> Message {
    let count = centram_packet_receive(descriptor, buffer.baseAddress, buffer.count, nil, 0, nil, deadline)
    return try rest(of: count, limit, deadline)
  }

  /// As `receive`, with the descriptors that came along; the caller closes them.
  func receiveWithDescriptors() throws(ChannelError) -> (message: Message, descriptors: [Int32]) {
    var taken = [Int32](repeating: -1, count: 4), count: Int32 = 0
    let size = centram_packet_receive(descriptor, buffer.baseAddress, buffer.count, &taken, 4, &count, 0)
    return (try rest(of: size, Message.sizeLimit, 0), Array(taken.prefix(Int(count))))
  }

  /// Whether something waits to be received: a message, or the end.
  var hasSomething: Bool { centram_packet_waits(descriptor) != 0 }
  /// Whether the other side is gone.
  var hasEnded: Bool { centram_packet_waits(descriptor) == 2 }

  private func rest(of first: Int, _ limit: Int, _ deadline: UInt64) throws(ChannelError) -> Message {
    try check(first)
    guard first > 0 else { throw .closed }
    var (message, size) = try Message.read(UnsafeRawBufferPointer(rebasing: buffer[..<first]), limit: limit)
    while message.payload.count < size {
      let count = centram_packet_receive(descriptor, buffer.baseAddress, Message.packetSize, nil, 0, nil, deadline)
      try check(count)
      guard count > 0 else { throw .closed }
      guard count == min(size - message.payload.count, Message.packetSize) else { throw .broken("a part of \(count) bytes in a message of \(size)") }
      message.payload.append(contentsOf: buffer[..<count])
    }
    return message
  }

  private func check(_ status: Int) throws(ChannelError) {
    guard status < 0 else { return }
    switch Int32(-status) {
    case ETIMEDOUT: throw .timedOut
    case EPIPE, ECONNRESET, EBADF: throw .closed
    case EMSGSIZE: throw .broken("a packet larger than \(Message.headSize + Message.packetSize) bytes")
    case let error: throw .system(error)
    }
  }
}
