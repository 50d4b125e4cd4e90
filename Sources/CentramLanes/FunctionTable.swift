package import CentramPluginAPI
internal import Glibc

/// A library that knows nothing of Centram, described: which of its functions to call, and what each argument stands for.
package struct FunctionTable: Sendable {
  /// A C type. Text and arrays are pointers.
  package enum ValueType: String, Sendable, CaseIterable { case i32, u32, i64, u64, f32, f64, pointer, void }

  /// What an argument is given.
  package enum Role: String, Sendable, CaseIterable {
    case inputs, input, output, count, offset, seed
    case inputCount = "input_count", inputParameters = "input_parameters"
    case valueAt = "value_at", uniformAt = "uniform_at"
    case weights, manifest, direction, evidence
    case weightsSize = "weights_size", manifestSize = "manifest_size", contentHash = "content_hash"
    case adapterConfiguration = "adapter_config", adapterConfigurationSize = "adapter_config_size"
    case parameter, constant, log

    /// Of a kind's roles, those that only it has come first.
    package static func known(to kind: PluginKind) -> [Role] {
      let shared: [Role] = [.parameter, .constant, .log]
      switch kind {
      case .mergeOperator:
        return [.inputs, .input, .output, .count, .offset, .seed, .inputCount, .inputParameters, .valueAt, .uniformAt] + shared
      case .gateLayer:
        return [.weights, .weightsSize, .manifest, .manifestSize, .adapterConfiguration, .adapterConfigurationSize, .contentHash, .direction, .evidence] + shared
      default: return []
      }
    }

    package var isPointer: Bool {
      switch self {
      case .inputs, .input, .output, .inputParameters, .valueAt, .uniformAt, .log: true
      case .weights, .manifest, .adapterConfiguration, .contentHash, .evidence: true
      default: false
      }
    }
  }

  package struct Argument: Sendable {
    package var role: Role, type: ValueType
    /// Of a parameter.
    package var name: String
    /// Of one input.
    package var index: Int
    /// Of a constant.
    package var value: Double
    /// Of an array with a value for each input.
    package var elements: ValueType
    package init(role: Role, type: ValueType, name: String = "", index: Int = 0, value: Double = 0, elements: ValueType = .f64) {
      (self.role, self.type, self.name, self.index, self.value, self.elements) = (role, type, name, index, value, elements)
    }
  }

  /// What a function's result says.
  package enum Result: Sendable, Equatable {
    case nothing
    /// 0: all is well; else a `CENTRAM_ERROR_*`.
    case status
    /// `CENTRAM_VERDICT_ACCEPT`, `QUARANTINE` or `REJECT`.
    case decision
    /// Accepted inside this range.
    case score(ClosedRange<Double>)
  }

  package var symbol: String
  package var arguments: [Argument]
  package var result: Result, resultType: ValueType
  package var parameters: [ParameterSpecification]
  /// Of a merge operator.
  package var merge: MergeOperatorInfo?, granularity: BlockGranularity
  /// Of a gate layer.
  package var gate: GateLayerInfo?

  package init(
    symbol: String, arguments: [Argument], result: Result, resultType: ValueType, parameters: [ParameterSpecification], merge: MergeOperatorInfo?,
    granularity: BlockGranularity, gate: GateLayerInfo?
  ) {
    (self.symbol, self.arguments, self.result, self.resultType) = (symbol, arguments, result, resultType)
    (self.parameters, self.merge, self.granularity, self.gate) = (parameters, merge, granularity, gate)
  }

  /// Binds the function in a loaded library.
  package func capability(library: UnsafeMutableRawPointer) throws(PluginError) -> Capability {
    guard let address = dlsym(library, symbol) else { throw PluginError(.unsupported, "the loader does not find \(symbol)") }
    let function = try ForeignFunction(address, result: resultType, arguments: arguments.map(\.type))
    if let merge {
      return .mergeOperator { ForeignMergeOperator(info: merge, table: self, function: function, services: $0.services) }
    }
    if let gate {
      return .gateLayer { ForeignGateLayer(info: gate, table: self, function: function, services: $0.services) }
    }
    throw PluginError(.unsupported, "only merge operators and gate layers can be function tables")
  }
}
