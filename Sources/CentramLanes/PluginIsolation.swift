public import CentramPluginAPI

/// Runs plugins in processes of their own. The host gives it bytes that passed every check, in sealed memory, so nothing can differ
/// between check and use.
public protocol PluginIsolation: Sendable {
  /// Starts a process and has its loader take the library.
  /// - Throws: where the process does not start, or the loader refuses.
  func start(_ library: LibraryToIsolate) throws(PluginError) -> any IsolatedPlugin
}

/// A checked library on its way to another process.
public struct LibraryToIsolate: Sendable {
  /// Of sealed memory that holds the library; lent for the call of `start`.
  public var descriptor: Int32
  /// The library's file name, for messages.
  public var name: String
  /// Of its entry function; nil in the function-table lane.
  public var entry: String?
  public var kind: PluginKind
  public var isSwift: Bool
  /// What the plugin may ask of the host.
  public var services: any HostServices
  package var functions: FunctionTable?

  package init(
    descriptor: Int32, name: String, entry: String?, kind: PluginKind, isSwift: Bool, services: any HostServices, functions: FunctionTable?
  ) {
    (self.descriptor, self.name, self.entry, self.kind) = (descriptor, name, entry, kind)
    (self.isSwift, self.services, self.functions) = (isSwift, services, functions)
  }
}

/// A plugin in a process of its own. Where the process ends it is started again, by rules of the isolation's own.
public protocol IsolatedPlugin: AnyObject, Sendable {
  /// What its descriptor says; nil in the function-table lane.
  var description: IsolatedDescription? { get }
  var health: PluginHealth { get }
  /// Has the plugin set itself up.
  /// - Returns: false where it has nothing to set up.
  func initialize() throws(PluginError) -> Bool
  /// Makes instances in the process.
  func capability() throws(PluginError) -> Capability
  /// Waits until the process answers.
  func ping() throws(PluginError)
  /// Ends the process, if need be until it is let go on: calls under way, and later ones, throw `.unavailable` with the reason.
  /// - Parameter reason: a sentence's end, such as `the key that signed it was revoked on …`; nil: it may run.
  func withdraw(_ reason: String?)
  /// Ends the process for good. Calls under way, and later ones, throw `.closed`.
  func stop()
}

/// A descriptor as another process read it: text from a plugin that nobody trusts.
public struct IsolatedDescription: Sendable {
  package var text: DescriptorText
  package init(_ text: DescriptorText) { self.text = text }
}

/// How a plugin's process is.
public struct PluginHealth: Sendable, Equatable, Codable {
  public enum State: String, Sendable, Codable {
    case running
    /// It ended, and starts again with the next call.
    case waiting
    /// It ended too often, or would not start again.
    case failed
    case stopped
  }
  public var state: State
  public var pid: Int32?
  /// What the kernel holds it to: `seccomp`, `landlock`.
  public var layers: [String]
  /// Resident memory, bytes.
  public var residentBytes: Int64
  public var restarts: Int
  public var lastFailure: String?

  public init(state: State, pid: Int32? = nil, layers: [String] = [], residentBytes: Int64 = 0, restarts: Int = 0, lastFailure: String? = nil) {
    (self.state, self.pid, self.layers) = (state, pid, layers)
    (self.residentBytes, self.restarts, self.lastFailure) = (residentBytes, restarts, lastFailure)
  }
}
