import CentramModel
import CentramNode
import CentramPluginAPI
import Foundation
import MergeOperators_CoreSpace
import MergeOperators_Karcher
import MergeOperators_Linear
import MergeOperators_LoraCat
import MergeOperators_LoraSVD
import MergeOperators_ModelStock
import MergeOperators_Peft
import MergeOperators_Sce
import MergeOperators_TaskArithmetic
import MergeOperators_Ties
import Testing

enum Fixtures {
  /// Tests/Fixtures/Golden/lora: PEFT's and mergekit's own outputs, copied from the project's goldens.
  static let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path + "/Fixtures/Golden/lora"

  static func adapter(_ name: String) throws -> Adapter { try Adapter(folder: "\(golden)/\(name)") }
  static func model(_ name: String) throws -> SafetensorsFile { try SafetensorsFile(path: "\(golden)/models/\(name)/model.safetensors") }

  static func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("adapters-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
  }
}

/// Operators as the host gets them: through the door of each plugin.
enum Operators {
  struct Services: HostServices {
    func service(_ id: String) -> (any Sendable)? { nil }
    func log(_ level: LogLevel, _ message: String) {}
  }

  private static func instance(_ descriptor: UnsafePointer<centram_descriptor_t>) throws -> any MergeOperator {
    let box = try #require("centram.swift/1".withCString { descriptor.pointee.get_interface($0) })
    guard case .mergeOperator(let make) = Unmanaged<PluginBox>.fromOpaque(box).takeRetainedValue().capability else {
      throw PluginError(.invalid, "not a merge operator")
    }
    return try make(PluginEnvironment(services: Services()))
  }

  static func make(_ id: String) throws -> any MergeOperator {
    switch id {
    case "merge.lora_cat": try instance(MergeOperators_LoraCat.centramPluginDescriptor())
    case "merge.lora_svd": try instance(MergeOperators_LoraSVD.centramPluginDescriptor())
    case "merge.core_space": try instance(MergeOperators_CoreSpace.centramPluginDescriptor())
    case "merge.peft": try instance(MergeOperators_Peft.centramPluginDescriptor())
    case "merge.linear": try instance(MergeOperators_Linear.centramPluginDescriptor())
    case "merge.task_arithmetic", "task_arithmetic": try instance(MergeOperators_TaskArithmetic.centramPluginDescriptor())
    case "merge.ties", "ties": try instance(MergeOperators_Ties.centramPluginDescriptor())
    case "merge.karcher": try instance(MergeOperators_Karcher.centramPluginDescriptor())
    case "merge.sce": try instance(MergeOperators_Sce.centramPluginDescriptor())
    case "merge.model_stock": try instance(MergeOperators_ModelStock.centramPluginDescriptor())
    case "sign_only": SignOnly()
    default: throw MergeError(.operator, "no operator \(id)")
    }
  }

  @Sendable static func resolve(_ id: String) throws(MergeError) -> any MergeOperator {
    do { return try make(id) } catch { throw MergeError(.operator, "\(error)") }
  }
}

/// A rule that is not linear: the sum of the signs.
struct SignOnly: TensorMerging {
  let info = MergeOperatorInfo(needs: .base)
  func merge(_ request: MergeRequest) throws(PluginError) {
    try request.forEachBlock { block in
      for index in 0..<block.count {
        block.output[index] = request.others.reduce(0) { $0 + (block.inputs[$1][index] > 0 ? 1 : -1) }
      }
    }
  }
}

extension AdapterContents.Module {
  /// B · A, outputs × inputs, in float64.
  var delta: [Double] { product(a, b, outputs: outputs, inputs: inputs, rank: rank) }
}

func product(_ a: [Float], _ b: [Float], outputs: Int, inputs: Int, rank: Int, scale: Double = 1) -> [Double] {
  var result = [Double](repeating: 0, count: outputs * inputs)
  for row in 0..<outputs {
    for k in 0..<rank {
      let factor = scale * Double(b[row * rank + k])
      for column in 0..<inputs { result[row * inputs + column] += factor * Double(a[k * inputs + column]) }
    }
  }
  return result
}

extension Adapter {
  func delta(_ module: AdapterModule) throws -> [Double] {
    let (a, b) = try factors(of: module)
    return product(a, b, outputs: module.outputs, inputs: module.inputs, rank: module.rank, scale: module.scale)
  }
}

func largestDifference(_ x: some Collection<Double>, _ y: some Collection<Double>) -> Double {
  x.count == y.count ? zip(x, y).map { abs($0 - $1) }.max() ?? 0 : .infinity
}

/// The rule of the goldens for factors: |x - y| ≤ 1e-6 + 1e-5·|y| for all elements.
func expectClose(_ x: [Float], _ y: [Float], _ what: String, sourceLocation: SourceLocation = #_sourceLocation) {
  #expect(x.count == y.count, "\(what)", sourceLocation: sourceLocation)
  let outside = zip(x, y).filter { abs(Double($0) - Double($1)) > 1e-6 + 1e-5 * abs(Double($1)) }.count
  #expect(outside == 0, "\(what): \(outside) of \(x.count) elements differ", sourceLocation: sourceLocation)
}

/// Masks that PEFT drew, by `MODULE|PART|ADAPTER`.
struct RecordedMasks: MaskProvider {
  let file: SafetensorsFile
  func fill(_ mask: UnsafeMutableBufferPointer<UInt8>, tensor: String, model: String, offset: Int) -> Bool {
    guard let recorded = file.tensor("\(tensor)|\(model)") else { return false }
    let bytes = file.bytes(of: recorded)
    for index in mask.indices { mask[index] = bytes[offset + index] }
    return true
  }
}
