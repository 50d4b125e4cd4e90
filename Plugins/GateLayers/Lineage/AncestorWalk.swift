internal import CentramGateSupport
internal import CentramGenome
internal import CentramPluginAPI

/// A depth-first search from a genome to its ancestors, without recursion, since strangers decide how deep it goes.
struct AncestorWalk {
  private let lineage: any LineageService
  private let authors: any AuthorService
  private let ancestry: (any AncestryService)?
  private let depthLimit: Int, fetchLimit: Int, visitLimit: Int
  private(set) var visited = 0, fetched = 0
  /// Of ancestors that are done.
  private var generations: [String: Int] = [:]
  /// On the way from the genome to where the search is.
  private var open: Set<String> = []

  private struct Step {
    let id: String
    let parents: [String]
    /// As its manifest says.
    let generation: Int
    var next = 0
    /// Of its parents that are done.
    var highest = -1
  }

  init(_ services: any HostServices, _ policy: LayerPolicy) throws(PluginError) {
    lineage = try services.required("centram.lineage/1", for: "gate.lineage")
    authors = try services.required("centram.authors/1", for: "gate.lineage")
    ancestry = services.service("centram.ancestry/1") as? any AncestryService
    (depthLimit, fetchLimit, visitLimit) = (policy.integer("depth"), policy.integer("fetches"), policy.integer("visits"))
  }

  /// Nil where everything fits.
  mutating func run(from manifest: Manifest) async throws(PluginError) -> Verdict.Decision? {
    var path = [Step(id: manifest.id, parents: manifest.parents.map(\.id), generation: manifest.generation)]
    open = [manifest.id]
    while let top = path.last {
      if top.next == top.parents.count {
        guard top.generation == top.highest + 1 else {
          return .reject(reason: "\(short(top.id)) says generation \(top.generation); 1 more than its parents' is \(top.highest + 1)")
        }
        path.removeLast()
        open.remove(top.id)
        generations[top.id] = top.generation
        if !path.isEmpty { path[path.count - 1].highest = max(path[path.count - 1].highest, top.generation) }
        continue
      }
      let id = top.parents[top.next]
      path[path.count - 1].next += 1
      if let generation = generations[id] {
        path[path.count - 1].highest = max(path[path.count - 1].highest, generation)
        continue
      }
      guard !open.contains(id) else { return .reject(reason: "\(short(id)) is an ancestor of itself, by way of \(short(top.id))") }
      guard path.count <= depthLimit else { return .reject(reason: "its ancestors go back more than \(depthLimit) generations") }
      let entry: LineageEntry
      switch try await look(for: id) {
      case .success(let found): entry = found
      case .failure(let refusal): return refusal.decision
      }
      path.append(Step(id: id, parents: entry.parents.map(\.id), generation: entry.generation))
      open.insert(id)
    }
    return nil
  }

  private struct Missing: Error { let decision: Verdict.Decision }

  private mutating func look(for id: String) async throws(PluginError) -> Result<LineageEntry, Missing> {
    visited += 1
    guard visited <= visitLimit else { return .failure(Missing(decision: .quarantine(reason: "it has more than \(visitLimit) ancestors"))) }
    var entry = try await lineage.ancestor(id)
    if entry == nil, let ancestry {
      guard fetched < fetchLimit else { return .failure(Missing(decision: .quarantine(reason: "more than \(fetchLimit) of its ancestors are unknown"))) }
      fetched += 1
      entry = try await ancestry.fetch(id)
    }
    guard let entry, entry.id == id else { return .failure(Missing(decision: .quarantine(reason: "its ancestor \(short(id)) is not known"))) }
    if let reason = try await authors.revocation(ofGenome: id) {
      return .failure(Missing(decision: .reject(reason: "its ancestor \(short(id)) was revoked: \(reason)")))
    }
    return .success(entry)
  }
}
