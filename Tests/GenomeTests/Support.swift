import CentramGenome
import GateCorpus
import Testing

/// A manifest that has every key.
func fullManifest() -> Manifest {
  var draft = CorpusWorld().draft(author: 1, seed: 1)
  (draft.sequence, draft.previous, draft.generation) = (7, String(repeating: "0a", count: 32), 3)
  draft.parents = [.init(id: String(repeating: "1a", count: 32), weight: 6000), .init(id: String(repeating: "2a", count: 32), weight: 4000)]
  draft.recipe = .init(
    operator: "merge.lora-svd", version: "1.2.0", parameters: [.init("rank", .number("8")), .init("exact", .boolean(true)), .init("mode", .string("a \"quoted\"\n word"))])
  draft.privacy = Manifest.Privacy(
    epsilon: 7.5, delta: 1e-5, noiseMultiplier: 1.1, sampleRate: 0.01, steps: 300, clippingNorm: 0.5, mechanism: "gaussian", sampling: "poisson")
  return draft.manifest
}

/// The manifest's members in order, to be changed one by one.
func members(_ bytes: [UInt8]) throws -> [JSONValue.Member] {
  guard case .object(let members) = try JSONValue(parsing: bytes, name: "manifest") else { throw GenomeError(.malformed, "no object") }
  return members
}

/// The text with the value at a path of keys and indices replaced; nil takes it out.
func replacing(_ value: JSONValue, at path: ArraySlice<String>, with new: JSONValue?) -> JSONValue {
  guard let key = path.first else { return new ?? .null }
  switch value {
  case .object(let members):
    if path.count == 1, new == nil { return .object(members.filter { $0.key != key }) }
    if path.count == 1, !members.contains(where: { $0.key == key }), let new { return .object(members + [.init(key, new)]) }
    return .object(members.map { $0.key == key ? .init(key, replacing($0.value, at: path.dropFirst(), with: new)) : $0 })
  case .array(let items):
    return .array(items.enumerated().map { String($0) == key ? replacing($1, at: path.dropFirst(), with: new) : $1 })
  default: return value
  }
}

/// What reading the full manifest with one value changed throws; nil where it is taken.
func refusal(_ path: String, _ new: JSONValue?) throws -> GenomeError? {
  let root = JSONValue.object(try members(try fullManifest().encoded()))
  let text = replacing(root, at: path.split(separator: ".").map(String.init)[...], with: new).text
  do throws(GenomeError) {
    _ = try Manifest(parsing: Array(text.utf8))
    return nil
  } catch { return error }
}

func thrown<Value>(_ body: () throws(GenomeError) -> Value) -> GenomeError? {
  do throws(GenomeError) {
    _ = try body()
    return nil
  } catch { return error }
}
