internal import CHostSystem
internal import Glibc

/// What a library's exported Swift symbols say about the types and conformances in it.
struct SwiftSymbols {
  private var types: Set<String> = [], protocols: Set<String> = []
  private var conformances: [(type: String, to: String, module: String)] = []

  init(_ names: Set<String> = []) {
    for name in names.sorted() where name.hasPrefix("$s") {
      if name.hasSuffix("Mn"), let type = Self.demangled(name, after: "nominal type descriptor for ") { types.insert(type) }
      if name.hasSuffix("Mp"), let type = Self.demangled(name, after: "protocol descriptor for ") { protocols.insert(type) }
      if name.hasSuffix("Mc"), let text = Self.demangled(name, after: "protocol conformance descriptor for ") {
        // "Module.Type : Other.Protocol in Module"; private names hold an " in " of their own.
        let parts = text.split(separator: " : ")
        guard parts.count == 2, case let words = parts[1].split(separator: " in "), let module = words.last else { continue }
        // "<A where A: P> Module.Type<A>": the descriptor is of the generic type.
        let type = parts[0].hasPrefix("<") ? parts[0].split(separator: "> ", maxSplits: 1).last ?? parts[0] : parts[0]
        conformances.append((String(type.prefix { $0 != "<" }), words.dropLast().joined(separator: " in "), String(module)))
      }
    }
  }

  /// A type of the API that this library defines itself: a second copy, which no cast would ever match.
  var copyOfAPI: String? { types.union(protocols).sorted().first { $0.hasPrefix("CentramPluginAPI.") } }

  /// A conformance that two plugins could both bring, of which the runtime would then take either: neither the type nor the protocol is the
  /// library's own, and one of them is the API's. What a linked module declares of its own types is its own, though the linker may hide the types.
  var foreignConformance: String? {
    conformances.first {
      !types.contains($0.type) && !protocols.contains($0.to) && !$0.type.hasPrefix($0.module + ".") && !$0.to.hasPrefix($0.module + ".")
        && ($0.type.hasPrefix("CentramPluginAPI.") || $0.to.hasPrefix("CentramPluginAPI."))
    }.map { "\($0.type) to \($0.to)" }
  }

  private static func demangled(_ name: String, after prefix: String) -> String? {
    guard let text = swift_demangle(name, name.utf8.count, nil, nil, 0) else { return nil }
    defer { free(text) }
    let readable = String(cString: text)
    return readable.hasPrefix(prefix) ? String(readable.dropFirst(prefix.count)) : nil
  }
}
