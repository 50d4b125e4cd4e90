public import CentramPluginAPI

/// What one end of a multiplexed pipe allows. Each end tells the other its windows and limits in its first frame.
public struct MultiplexerSettings: Sendable, Equatable {
  /// Bytes of one stream that may lie here unread.
  public var streamWindow = 1 << 20
  /// Bytes of all streams together that may lie here unread.
  public var connectionWindow = 8 << 20
  /// Streams that the peer may have open at once.
  public var maximumStreams = 256
  /// The largest payload of a data frame that this end takes.
  public var maximumPayload = 16_384
  /// Answers to the peer (pongs, resets, credit) that may wait to be taken by the pipe.
  public var controlFrameLimit = 4_096
  /// Silence after which a ping is sent; 0: never.
  public var keepAliveNanoseconds: UInt64 = 15_000_000_000
  /// Silence after which the connection counts as lost; 0: never.
  public var idleNanoseconds: UInt64 = 45_000_000_000
  /// How long a closed connection may still take to say so.
  public var lingerNanoseconds: UInt64 = 2_000_000_000
  public init() {}

  static let windowRange = 1...Int(Int32.max)
  static let streamRange = 1...65_536
  static let payloadRange = 1...(1 << 20)

  /// Reads `streamWindow`, `connectionWindow`, `maximumStreams`, `keepAliveSeconds` and `idleSeconds`.
  public init(_ reader: inout SettingsReader) throws(PluginError) {
    self.init()
    streamWindow = try reader.integer("streamWindow", default: streamWindow, in: 1_024...(1 << 30))
    connectionWindow = try reader.integer("connectionWindow", default: connectionWindow, in: 1_024...(1 << 30))
    maximumStreams = try reader.integer("maximumStreams", default: maximumStreams, in: Self.streamRange)
    keepAliveNanoseconds = UInt64(try reader.integer("keepAliveSeconds", default: 15, in: 0...86_400)) * 1_000_000_000
    idleNanoseconds = UInt64(try reader.integer("idleSeconds", default: 45, in: 0...86_400)) * 1_000_000_000
  }
}
