import CentramLinearAlgebra
import CentramPluginAPI

/// Runs a computation on matrices and turns its errors into the plugin's.
func algebra<Result>(_ subject: String, _ body: () throws(LinearAlgebraError) -> Result) throws(PluginError) -> Result {
  do throws(LinearAlgebraError) {
    return try body()
  } catch {
    throw PluginError(error.code == .notFinite ? .invalid : .internalFailure, "\(subject): \(error.message)")
  }
}

extension AdapterFactors {
  /// rank × inputs.
  func aMatrix(inputs: Int) -> Matrix { Matrix(rows: rank, columns: inputs, floats: a) }
  /// Bᵀ, rank × outputs.
  func bTransposed(outputs: Int) -> Matrix { Matrix(rows: outputs, columns: rank, floats: b).transposed() }
}
