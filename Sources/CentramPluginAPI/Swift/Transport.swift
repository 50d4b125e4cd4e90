// SPDX-License-Identifier: Apache-2.0

/// An Ed25519 public key: who a peer is.
public struct PeerID: Hashable, Sendable {
  /// 32 bytes.
  public let bytes: [UInt8]
  /// Nil unless `bytes` holds 32 bytes.
  public init?(_ bytes: [UInt8]) {
    guard bytes.count == 32 else { return nil }
    self.bytes = bytes
  }
}

public struct TransportFeatures: OptionSet, Sendable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }
  public static var encrypted: TransportFeatures { .init(rawValue: 1) }
  public static var datagrams: TransportFeatures { .init(rawValue: 2) }
  /// A connection survives a change of address.
  public static var migrates: TransportFeatures { .init(rawValue: 4) }
  public static var relayed: TransportFeatures { .init(rawValue: 8) }
}

public struct TransportInfo: Sendable {
  /// `quic` in `quic://host:port`.
  public var scheme: String
  public var features: TransportFeatures
  public init(scheme: String, features: TransportFeatures = []) { (self.scheme, self.features) = (scheme, features) }
}

/// Moves opaque bytes between authenticated peers. It never sees a message.
public protocol Transport: Sendable {
  var info: TransportInfo { get }
  func listen(on address: String) async throws(PluginError) -> any TransportListener
  /// - Parameter expected: whom to accept; nil: whoever answers, to be looked at by the caller.
  func dial(_ address: String, expecting expected: PeerID?) async throws(PluginError) -> any TransportConnection
}

public protocol TransportListener: Sendable {
  /// The address to dial, with the port that was chosen.
  var address: String { get }
  /// - Throws: `.closed` after `close`.
  func accept() async throws(PluginError) -> any TransportConnection
  func close() async
}

/// Bytes of one stream arrive in order; streams do not wait for each other.
public protocol TransportConnection: Sendable {
  var peer: PeerID { get }
  /// A value bound to this very channel (a TLS exporter); empty where the transport has none.
  var channelBinding: [UInt8] { get }
  func openStream() async throws(PluginError) -> any TransportStream
  /// The next stream that the peer opened.
  func acceptStream() async throws(PluginError) -> any TransportStream
  func close(code: UInt64, reason: String) async
}

/// A connection that also carries unreliable datagrams.
public protocol DatagramConnection: TransportConnection {
  func sendDatagram(_ bytes: UnsafeRawBufferPointer) async throws(PluginError)
  /// - Returns: the datagram's size.
  func receiveDatagram(into buffer: UnsafeMutableRawBufferPointer) async throws(PluginError) -> Int
}

/// Buffers are lent until the call returns. One sender and one receiver at a time.
public protocol TransportStream: Sendable {
  /// Returns when the bytes were taken, which is when the peer's flow control allows: that is the back-pressure.
  func send(_ bytes: UnsafeRawBufferPointer) async throws(PluginError)
  /// - Returns: how many bytes arrived, at least 1; 0 at the peer's end.
  func receive(into buffer: UnsafeMutableRawBufferPointer) async throws(PluginError) -> Int
  /// Half-close: no more from here; receiving goes on.
  func finish() async throws(PluginError)
  /// Drops both directions at once.
  func reset(code: UInt64) async
}
