public import CentramLinearAlgebra
public import CentramPluginAPI

/// Runs a computation on matrices and turns its errors into the plugin's.
/// - Parameter subject: what the message begins with.
public func algebra<Result>(_ subject: String, _ body: () throws(LinearAlgebraError) -> Result) throws(PluginError) -> Result {
  do throws(LinearAlgebraError) {
    return try body()
  } catch {
    throw PluginError(error.code == .notFinite ? .invalid : .internalFailure, "\(subject): \(error.message)")
  }
}

extension AdapterFactors {
  /// rank × inputs.
  public func aMatrix(inputs: Int) -> Matrix { Matrix(rows: rank, columns: inputs, floats: a) }
  /// Bᵀ, rank × outputs.
  public func bTransposed(outputs: Int) -> Matrix { Matrix(rows: outputs, columns: rank, floats: b).transposed() }
}
