internal import CCurl

/// HTTP and HTTPS through libcurl: certificates, proxies and redirects as curl does them.
public struct CurlFetcher: FileFetching {
  private let agent: String

  /// - Parameter version: of the program, for the user agent.
  public init(version: String) { agent = "centram/\(version)" }

  private final class Transfer {
    let request: FetchRequest
    let receive: (FetchPiece) throws -> Void
    var headers: [String: String] = [:]
    /// Where the next piece belongs; nil before the first.
    var position: Int?
    var failure: (any Error)?

    init(_ request: FetchRequest, _ receive: @escaping (FetchPiece) throws -> Void) { (self.request, self.receive) = (request, receive) }

    func header(_ line: String) {
      guard let colon = line.firstIndex(of: ":"), headers.count < 200 else { return }
      headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].drop { $0 == " " }.trimmingSuffix
    }

    func body(status: Int, _ bytes: UnsafeRawBufferPointer) -> Bool {
      let offset = position ?? (status == 206 ? request.offset : 0)
      do {
        try receive(FetchPiece(offset: offset, bytes: bytes))
        position = offset + bytes.count
        return true
      } catch {
        failure = error
        return false
      }
    }
  }

  public func get(_ request: FetchRequest, receive: @escaping (FetchPiece) throws -> Void) throws -> FetchedFile {
    let transfer = Transfer(request, receive)
    var status = 0
    var message = [CChar](repeating: 0, count: 256)
    let code = withOptionalCString(request.bearerToken) { bearer in
      withOptionalCString(request.entityTag) { tag in
        request.url.withCString { url in
          agent.withCString { agent in
            var get = centram_get_t()
            (get.url, get.bearer, get.if_range, get.agent) = (url, bearer, tag, agent)
            get.offset = UInt64(request.offset)
            (get.connect_seconds, get.stall_seconds) = (20, 30)
            get.context = Unmanaged.passUnretained(transfer).toOpaque()
            get.header = { context, line, count in
              let bytes = UnsafeRawBufferPointer(start: line, count: min(count, 8192))
              Unmanaged<Transfer>.fromOpaque(context!).takeUnretainedValue().header(String(decoding: bytes, as: UTF8.self))
            }
            get.body = { context, status, bytes, count in
              let transfer = Unmanaged<Transfer>.fromOpaque(context!).takeUnretainedValue()
              return transfer.body(status: status, UnsafeRawBufferPointer(start: bytes, count: count)) ? 1 : 0
            }
            get.is_cancelled = { Unmanaged<Transfer>.fromOpaque($0!).takeUnretainedValue().request.isCancelled() ? 1 : 0 }
            return centram_curl_get(&get, &status, &message)
          }
        }
      }
    }
    if let failure = transfer.failure { throw failure }
    if request.isCancelled() { throw FetchError(.cancelled, "cancelled while fetching \(request.url)") }
    guard code == 0 else {
      let text = message.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
      // 1: a scheme other than HTTP; 3: not an address; -1: no libcurl.
      throw FetchError([-1, 1, 3].contains(code) ? .unusable : .connection, "\(request.url): \(text)")
    }
    return FetchedFile(status: status, headers: transfer.headers)
  }
}

private func withOptionalCString<Value>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Value) -> Value {
  guard let text else { return body(nil) }
  return text.withCString { body($0) }
}

extension Substring {
  fileprivate var trimmingSuffix: String {
    var text = self
    while let last = text.last, last == " " || last == "\t" { text.removeLast() }
    return String(text)
  }
}
