internal import CentramGenome
public import CentramHost
internal import CentramModel
public import CentramPluginAPI
public import CentramStore

/// Carries out a manifest's recipe: the files of the merged genome, byte for byte what any node makes of the same parents.
///
/// A recipe's parameters are the operator's own, by name. `NAME.0`, `NAME.1` and so on are those of the parents in their order; `weight.I` is a
/// parent's factor, its share in basis points by 10,000 where it is not given. `seed` and `format` (F32, F16 or BF16, of the factors) are the job's.
public struct GenomeMerge: Sendable {
  public typealias Operators = @Sendable (_ selector: String) throws(HostError) -> OperatorChoice.Chosen

  private let store: GenomeStore
  private let operators: Operators

  public init(store: GenomeStore, host: PluginHost) {
    self.init(store: store) { (selector) throws(HostError) in try OperatorChoice(host)(selector) }
  }

  /// - Parameter operators: finds an operator by `id@version`, or by its id alone.
  public init(store: GenomeStore, operators: @escaping Operators) { (self.store, self.operators) = (store, operators) }

  /// - Returns: the files in the order of their names; nil where a parent's files or the operator's version are not here.
  /// - Throws: `.malformed` for a recipe that cannot be carried out, `.usage` for a kind that cannot be merged, `.storage`.
  public func files(_ recipe: MergeRecipe) async throws(GenomePackageError) -> [(name: String, bytes: [UInt8])]? {
    let result: Result<[(name: String, bytes: [UInt8])]?, GenomePackageError> = await LongCalculation.run {
      do throws(GenomePackageError) { return .success(try made(recipe)) } catch { return .failure(error) }
    }
    return try result.get()
  }

  private func made(_ recipe: MergeRecipe) throws(GenomePackageError) -> [(name: String, bytes: [UInt8])]? {
    guard let kind = GenomeKind(rawValue: recipe.genomeKind) else { throw GenomePackageError(.usage, "genomes of the kind \(recipe.genomeKind.prefix(40)) cannot be merged") }
    guard let chosen = try? operators("\(recipe.operatorID)@\(recipe.operatorVersion)"), chosen.version == recipe.operatorVersion else { return nil }
    var records: [GenomeRecord] = []
    for parent in recipe.parents {
      let record: GenomeRecord
      do throws(StoreError) { record = try store.genome(parent.id) } catch {
        if error.code == .notFound { return nil }
        throw GenomePackageError(error)
      }
      guard record.base == recipe.base, record.kind == recipe.genomeKind else {
        throw GenomePackageError(
          .malformed, "the parent \(record.id) is a \(record.kind) of the base \(record.base.prefix(16)); the merge is a \(recipe.genomeKind) of \(recipe.base.prefix(16))")
      }
      guard store.hasFiles(record) else { return nil }
      records.append(record)
    }
    let settings = try RecipeSettings(recipe, chosen.operation.info)
    switch kind {
    case .adapter: return try adapters(records, chosen, settings)
    case .fullDelta: return try DeltaMerge(store: store, records: records, chosen: chosen, settings: settings).files()
    }
  }

  private func adapters(_ records: [GenomeRecord], _ chosen: OperatorChoice.Chosen, _ settings: RecipeSettings) throws(GenomePackageError) -> [(name: String, bytes: [UInt8])] {
    var inputs: [AdapterMergeJob.Input] = []
    for record in records { inputs.append(.init(name: String(record.id.prefix(16)), adapter: try store.adapter(of: record))) }
    var options = AdapterMergeJob.Options()
    (options.format, options.seed) = (settings.format, settings.seed)
    let (parameters, operators) = (settings.parameters, operators)
    let job = AdapterMergeJob(inputs, rule: chosen.id, operation: chosen.operation, options: options) { (_) throws(MergeError) in
      parameters
    } resolve: { (id) throws(MergeError) in
      do throws(HostError) { return try operators(id).operation } catch { throw MergeError(.operator, error.message) }
    }
    let contents: AdapterContents
    do throws(MergeError) { contents = try job.merged().contents } catch { throw GenomePackageError(.malformed, "the merge by \(chosen.id) \(chosen.version): \(error.message)") }
    do throws(ModelFileError) {
      let (configuration, tensors) = try AdapterWriter.bytes(contents, name: chosen.id, format: settings.format)
      return [(GenomeKind.configurationFile, configuration), (GenomeKind.adapter.weightsFile, tensors)]
    } catch { throw GenomePackageError(.malformed, error.message) }
  }
}

extension GenomeStore {
  /// The adapter of a genome, its files' hashes compared.
  func adapter(of record: GenomeRecord) throws(GenomePackageError) -> Adapter {
    guard record.kind == GenomeKind.adapter.rawValue, record.files.map(\.name) == GenomeKind.adapter.files else {
      throw GenomePackageError(.usage, "\(record.id): a \(record.kind), and an adapter is needed")
    }
    let (configuration, tensors) = try GenomePackageError.storing { () throws(StoreError) in (try read(record.files[0].hash), try read(record.files[1].hash)) }
    do throws(ModelFileError) { return try Adapter(configuration: configuration, tensors: tensors, name: String(record.id.prefix(16))) } catch {
      throw GenomePackageError(.malformed, error.message)
    }
  }
}
