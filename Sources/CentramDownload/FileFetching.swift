/// Gets a file from where it is kept. The node sees no sockets; tests and simulators put something else in.
public protocol FileFetching: Sendable {
  /// Blocks until the transfer ends.
  /// - Throws: `FetchError`, or what `receive` throws.
  func get(_ request: FetchRequest, receive: @escaping (FetchPiece) throws -> Void) throws -> FetchedFile
}

public struct FetchRequest: Sendable {
  public var url: String
  /// Bytes that are there already: the transfer is to go on behind them.
  public var offset = 0
  /// The entity tag of what those bytes belong to; a server that has something else by now sends all.
  public var entityTag: String?
  /// Sent to the first host, not to where it redirects.
  public var bearerToken: String?
  public var isCancelled: @Sendable () -> Bool = { false }
  public init(url: String) { self.url = url }
}

/// A part of the file, lent for the call.
public struct FetchPiece {
  /// Where it belongs in the file: 0 again where the server does not go on but starts over.
  public let offset: Int
  public let bytes: UnsafeRawBufferPointer
  public init(offset: Int, bytes: UnsafeRawBufferPointer) { (self.offset, self.bytes) = (offset, bytes) }
}

public struct FetchedFile: Sendable {
  /// Of the last response.
  public let status: Int
  /// By lower-case name; of every response on the way, the later one counts.
  public let headers: [String: String]
  public init(status: Int, headers: [String: String]) { (self.status, self.headers) = (status, headers) }
}

public struct FetchError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Code: Sendable, Equatable {
    /// It may work another time.
    case connection
    case cancelled
    /// The request cannot work: a wrong address, no libcurl.
    case unusable
  }
  public let code: Code
  public let message: String
  public init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }
  public var description: String { message }
}
