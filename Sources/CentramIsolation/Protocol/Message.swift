/// What a message asks for. Each call is answered by one reply with the same id.
enum Operation: UInt16, CaseIterable {
  // The host asks, on the control socket.
  case start = 1, initialize, capability, channel, share, unshare, cancel, openFile, closeFile
  // The host asks, on a channel.
  case create = 16, merge, blocks, judge, postings, train, ping, adapters, extract, part
  // The plugin's process asks back, on the channel of the call under way.
  case run = 32, owner, generation, parents, balance
  case tensors, attachAdapter, accumulate, loss, batch, sequence, report, checkpoint
  case emit, apply
  // The host asks, on a line where any number of calls are under way.
  case listen = 48, accept, closeListener, dial, openStream, acceptStream, sendDatagram, receiveDatagram, closeConnection
  case send, receive, finish, reset, release
  // The plugin's process asks, on the services socket, at any time.
  case log = 64, unixMilliseconds, monotonicNanoseconds, random, publicKey, sign, exportSeed, mask
}

/// One message: 24 bytes of head, little endian, and a payload. Both sides check every number that they read.
struct Message {
  static let headSize = 24
  /// Payload bytes in one packet; the rest follows in packets of at most this size.
  static let packetSize = 32 << 10
  /// The largest payload. What is larger travels in shared memory.
  static let sizeLimit = 16 << 20
  /// During a training, whose states are large, and of factors, which are as large as a model's sides.
  static let bulkLimit = 1 << 30

  enum Direction: UInt16 { case call = 0, reply, failure }

  /// Bytes that a payload of an operation may have.
  static func limit(_ operation: Operation) -> Int {
    switch operation {
    case .train, .checkpoint, .adapters, .extract, .emit, .apply: bulkLimit
    default: sizeLimit
    }
  }

  var operation: Operation
  var direction = Direction.call
  var id: UInt64
  /// The instance that it is for; 0 where it is for none.
  var instance: UInt32 = 0
  var payload: [UInt8] = []

  func writeHead(to bytes: UnsafeMutableRawBufferPointer) {
    bytes.storeBytes(of: operation.rawValue.littleEndian, toByteOffset: 0, as: UInt16.self)
    bytes.storeBytes(of: direction.rawValue.littleEndian, toByteOffset: 2, as: UInt16.self)
    bytes.storeBytes(of: instance.littleEndian, toByteOffset: 4, as: UInt32.self)
    bytes.storeBytes(of: id.littleEndian, toByteOffset: 8, as: UInt64.self)
    bytes.storeBytes(of: UInt32(payload.count).littleEndian, toByteOffset: 16, as: UInt32.self)
    bytes.storeBytes(of: 0, toByteOffset: 20, as: UInt32.self)
  }

  /// Reads a message's first packet.
  /// - Returns: the message with the part of its payload that the packet holds, and the payload's size.
  static func read(_ packet: UnsafeRawBufferPointer, limit: Int) throws(ChannelError) -> (message: Message, size: Int) {
    guard packet.count >= headSize else { throw .broken("a packet of \(packet.count) bytes; a head has \(headSize)") }
    let number = UInt16(littleEndian: packet.loadUnaligned(fromByteOffset: 0, as: UInt16.self))
    let direction = UInt16(littleEndian: packet.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
    guard let operation = Operation(rawValue: number), let direction = Direction(rawValue: direction) else {
      throw .broken("a message of operation \(number) and direction \(direction), which there is not")
    }
    let size = Int(UInt32(littleEndian: packet.loadUnaligned(fromByteOffset: 16, as: UInt32.self)))
    guard size <= limit else { throw .broken("a message of \(size) bytes; the limit is \(limit)") }
    let part = packet.count - headSize
    guard part == min(size, packetSize) else { throw .broken("a packet with \(part) bytes of a message of \(size)") }
    let message = Message(
      operation: operation, direction: direction, id: UInt64(littleEndian: packet.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
      instance: UInt32(littleEndian: packet.loadUnaligned(fromByteOffset: 4, as: UInt32.self)), payload: Array(packet[headSize...]))
    return (message, size)
  }
}

/// Why a channel can no longer be used.
enum ChannelError: Error, Equatable {
  case closed, timedOut
  /// The other side does not keep to the protocol.
  case broken(String)
  /// The operating system said no.
  case system(Int32)
}
