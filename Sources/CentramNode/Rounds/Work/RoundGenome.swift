public import CentramStore
public import CentramWire
internal import Foundation

extension GenomeLibrary {
  /// Signs the last aggregate of a round as this node's next genome.
  ///
  /// The updates are no genomes, so nobody can make it again from parents: it states no recipe. Where the round started from a genome, that is its parent.
  /// - Parameters:
  ///   - folder: for its files; made, and removed again.
  ///   - parent: the genome that the round started from; nil: none.
  /// - Returns: nil where the same files are a genome already, as after a kill between making it and noting it.
  public func create(
    _ announce: WireRoundAnnounce, _ result: RoundResult, by work: AdapterRounds, folder: String, parent: String?, agent: String
  ) throws(GenomePackageError) -> GenomeRecord? {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let plan = announce.plan
    do throws(RoundError) { try work.write(result.result, to: folder) } catch { throw GenomePackageError(.storage, error.message) }
    let summary = TrainingSummary(
      trainer: plan.trainer.id, trainerVersion: plan.trainer.version, centramVersion: "", dataHash: "", sequences: 0, tokens: 0, length: 0, settings: [:],
      metrics: ["outer_steps": Double(result.step), "local_steps": Double(plan.localSteps)], files: [])
    do { try Data(summary.text().utf8).write(to: URL(fileURLWithPath: "\(folder)/training.json"), options: .atomic) } catch {
      throw GenomePackageError(.storage, "\(folder): \(error.localizedDescription)")
    }
    var description = GenomeDescription()
    (description.base, description.agent) = (Hexadecimal.text(plan.base), agent)
    if !plan.domain.isEmpty { description.domain = plan.domain }
    description.allowsUnnamedParents = true
    if let parent { description.parents = [(parent, 10_000)] }
    do throws(GenomePackageError) { return try create(folder, description) } catch {
      guard error.code == .conflict else { throw error }
      return nil
    }
  }
}
