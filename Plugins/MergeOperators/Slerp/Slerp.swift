import CentramMergeSupport
public import CentramPluginAPI
import Foundation

/// Spherical linear interpolation of whole tensors, from the base b (t = 0) to the other model x (t = 1):
/// y = [sin((1−t)θ) b + sin(tθ) x] / sin θ with θ the angle between them (Shoemake, "Animating rotation with quaternion
/// curves", 1985). Nearly parallel ones, |cos θ| > 0.9995, are interpolated linearly.
struct Slerp: TensorMerging {
  let info = MergeOperatorInfo(
    needs: .base, inputs: 1...1,
    parameters: [.init("t", .number, required: true, "0: the base, 1: the other model; any real number")])

  func merge(_ request: MergeRequest) throws(PluginError) {
    try request.check(against: info)
    let t = try request.parameters.requiredNumber("t")
    let pair = [try request.base(), request.others[0]]
    let gram = try request.gram(of: pair)
    let norms = [gram.norm(0), gram.norm(1)].map { $0 > 1e-8 ? $0 : 1 }
    let cosine = min(1, max(-1, gram[0, 1] / (norms[0] * norms[1])))
    var shares = [1 - t, t]
    if abs(cosine) <= 0.9995 {
      let angle = acos(cosine)
      shares = shares.map { sin($0 * angle) / sin(angle) }
    }
    try request.writeCombination(shares, of: pair)
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "merge.slerp", version: "1.0.0", kind: CENTRAM_KIND_MERGE_OPERATOR,
  summary: "Spherical interpolation between the base and one model"
) { pluginInterface($0, .mergeOperator { _ in Slerp() }) }

@c(centram_plugin_descriptor__merge_slerp) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
