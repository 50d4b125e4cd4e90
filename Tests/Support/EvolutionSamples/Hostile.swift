internal import CentramModel

/// Adapters that do harm.
public enum Hostile {
  /// The opposite of an adapter's update.
  public static func negated(_ adapter: String, by factor: Float = 1, to folder: String) throws {
    let adapter = try Adapter(folder: adapter)
    var contents = AdapterContents()
    for module in adapter.modules {
      let (a, b) = try adapter.factors(of: module)
      let scale = -factor * Float(module.scale)
      contents.modules.append(.init(name: module.name, outputs: module.outputs, inputs: module.inputs, rank: module.rank, a: a, b: b.map { $0 * scale }))
    }
    contents.baseModel = "toy"
    try AdapterWriter.write(contents, to: folder)
  }
}
