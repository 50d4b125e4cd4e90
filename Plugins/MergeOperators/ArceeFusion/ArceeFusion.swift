import CKernels
import CentramMergeSupport
public import CentramPluginAPI

/// Takes an element from the other model x where it is important, else from the base b. Importance is |x − b| times the
/// Kullback-Leibler divergence of the row's softmax from the base's; the limit is median + 1.5 (q₃ − q₁) of it over the
/// tensor (Arcee Fusion, after "Dynamic fusion of models").
///
/// The divergence is summed in double precision from terms that cannot cancel, and the quartiles are exact for any size.
struct ArceeFusion: TensorMerging {
  let info = MergeOperatorInfo(needs: .base, inputs: 1...1)

  func merge(_ request: MergeRequest) throws(PluginError) {
    try request.check(against: info)
    let base = try request.base(), other = request.others[0], row = max(1, request.rowLength)
    guard request.count > 0 else { return }
    let divergences = try request.reduce(.rows) {
      [Double]()
    } _: { (rows, block) in
      block.forEachRow(of: row) { rows.append(ck_divergence(block.inputs[other] + $0, block.inputs[base] + $0, row)) }
    } combine: {
      $0 += $1
    }

    let last = request.count - 1
    let quartiles = try request.search([[last / 4, last / 2, last * 3 / 4]]) { (_, block, start, count, keys) in
      forEachRun(block.offset + start, count, row) { row, run in
        ck_keys_of_importance(
          block.inputs[other] + start + run.lowerBound, block.inputs[base] + start + run.lowerBound, divergences[row],
          keys + run.lowerBound, run.count)
      }
    }[0].map { Double(Float(bitPattern: $0.key)) }
    let threshold = Float(quartiles[1] + 1.5 * (quartiles[2] - quartiles[0]))
    try request.forEachBlock { block in
      forEachRun(block.offset, block.count, row) { row, run in
        let start = run.lowerBound
        ck_select_important(
          block.inputs[other] + start, block.inputs[base] + start, divergences[row], threshold, block.output + start, run.count)
      }
    }
  }
}

/// Cuts elements [offset, offset + count) at the ends of rows: the row, and where its part is from `offset` on.
private func forEachRun(_ offset: Int, _ count: Int, _ row: Int, _ body: (_ row: Int, _ run: Range<Int>) -> Void) {
  var start = 0
  while start < count {
    let index = (offset + start) / row
    let end = min(count, (index + 1) * row - offset)
    body(index, start..<end)
    start = end
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "merge.arcee_fusion", version: "1.0.0", kind: CENTRAM_KIND_MERGE_OPERATOR,
  summary: "Takes over what matters most of one model"
) { pluginInterface($0, .mergeOperator { _ in ArceeFusion() }) }

@c(centram_plugin_descriptor__merge_arcee_fusion)
public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
