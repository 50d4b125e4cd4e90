public import CentramPluginAPI

/// Works out an operator's parameters for one tensor after another.
///
/// A value is looked for in the source (parameters of one input only), then in the slice, the module and the document;
/// where a setting has no value for the tensor, the search goes on one level up. What is found nowhere has its default.
public struct ParameterResolver: Sendable {
  /// One input of a tensor.
  public struct Input: Sendable {
    /// Its own parameters.
    public var parameters: ParameterSettings
    /// The name of its tensor, which filters are held against.
    public var tensor: String
    public var model: String
    /// Where the input is named; nil for a base model that is not listed.
    public var place: ConfigurationPlace?

    public init(parameters: ParameterSettings, tensor: String, model: String, place: ConfigurationPlace?) {
      (self.parameters, self.tensor, self.model, self.place) = (parameters, tensor, model, place)
    }
  }

  private let info: MergeOperatorInfo
  private let method: String
  private let place: ConfigurationPlace
  /// Of the module and of the document.
  private let outer: [ParameterSettings]

  /// - Throws: `.configuration` for parameters that the operator does not take, and for values of the wrong type or
  ///   outside their limits, wherever they are.
  public init(_ configuration: MergeConfiguration, info: MergeOperatorInfo) throws(MergeError) {
    try ParameterCheck.check(configuration, info.parameters)
    self.info = info
    (method, place) = (configuration.method, configuration.place)
    outer = [configuration.moduleParameters, configuration.parameters]
  }

  /// - Parameters:
  ///   - tensor: the output tensor's name, which filters of shared parameters are held against.
  ///   - position: where its layer lies in the slice, from 0 to 1; 0 outside the layers.
  ///   - baseIndex: which input is the base; it needs no parameters unless it is just another input.
  /// - Throws: `.configuration` where a required parameter has no value, with the place to put it.
  public func parameters(
    tensor: String, position: Double, slice: ParameterSettings, inputs: [Input], baseIndex: Int?
  ) throws(MergeError) -> Parameters {
    var result = Parameters(perInput: inputs.map { _ in [:] })
    for specification in info.parameters {
      switch specification.scope {
      case .shared:
        let value = try find(specification, tensor, position, [slice] + outer)
        if value == nil, specification.isRequired { throw missing(specification, tensor, nil) }
        result.shared[specification.name] = value
      case .perInput:
        for (index, input) in inputs.enumerated() {
          let value = try find(specification, input.tensor, position, [input.parameters, slice] + outer)
          let isNeeded = specification.isRequired && (index != baseIndex || info.needs.contains(.baseAsInput))
          if value == nil, isNeeded { throw missing(specification, tensor, input) }
          result.perInput[index][specification.name] = value
        }
      }
    }
    return result
  }

  private func find(
    _ specification: ParameterSpecification, _ tensor: String, _ position: Double, _ levels: [ParameterSettings]
  ) throws(MergeError) -> ParameterValue? {
    for level in levels {
      guard let entry = level.entries[specification.name], let value = entry.setting.value(tensor: tensor, position: position) else { continue }
      do throws(MergeError) {
        return try ParameterCheck.accept(value, specification, entry.place)
      } catch {
        // Only a value between two given ones can be wrong here.
        throw MergeError(error.code, "\(error.message) (interpolated for \(tensor))")
      }
    }
    return specification.defaultValue
  }

  private func missing(_ specification: ParameterSpecification, _ tensor: String, _ input: ParameterResolver.Input?) -> MergeError {
    let name = specification.name
    guard let input else {
      return place.error("\(name) is missing for \(tensor): \(method) needs it; put \(name): under parameters of the document")
    }
    guard let source = input.place else {
      return place.error(
        "\(name) is missing for the base model \(input.model), which is just another input of \(method): list it under models with "
          + "parameters: {\(name): ...}, or leave base_model out, or put \(name): under parameters of the document for all models")
    }
    return source.error(
      "\(name) is missing for \(input.model) and \(tensor): put \(name): under \(source.path).parameters, or under parameters of the document for all models")
  }
}
