import CentramNode
import Foundation
import GateAblation
import GateCorpus
import Testing

/// The pipeline of ten against the whole corpus.
@Suite struct AblationTests {
  private static let ablation = Task { try await Ablation() }

  @Test func everyAttackIsStoppedByTheLayerNamedForItInTheGateOfTen() async throws {
    let ablation = try await Self.ablation.value
    for row in ablation.rows { #expect(row.stopped == row.attack.layer, "\(row.attack): \(row.stopped ?? "nobody")") }
    #expect(ablation.rows.count >= 40 && Set(ablation.rows.map(\.attack.description)).count == ablation.rows.count)
    for layer in GateSettings.standardLayers {
      let counts = ablation.counts(of: layer)
      #expect(counts.attacks >= 3 && counts.stopped == counts.attacks, "\(layer): \(counts)")
    }
  }

  @Test func withoutItsLayerAnAttackPassesUnlessAnotherCoversIt() async throws {
    let ablation = try await Self.ablation.value
    for row in ablation.rows where row.attack.covers.isEmpty {
      // Among ten there are covers that the first five alone do not have; nobody is stopped by a layer that comes before its own.
      let place = GateSettings.standardLayers.firstIndex(of: row.without ?? ""), own = GateSettings.standardLayers.firstIndex(of: row.attack.layer)
      if let place, let own { #expect(place > own, "\(row.attack): \(row.without ?? "")") }
    }
    for layer in GateSettings.standardLayers { #expect(ablation.counts(of: layer).passWithout >= 3, "\(layer)") }
  }

  @Test func theTableInTheDocumentIsTheOneThatIsComputed() async throws {
    let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../docs/plugins/attack-corpus.md")
    let text = try String(contentsOf: page.standardizedFileURL, encoding: .utf8), table = try await Self.ablation.value.markdown
    #expect(text.contains("\n" + table + "\n"), "swift run centram-gate-bench ablation prints the table for docs/plugins/attack-corpus.md")
  }
}
