internal import CentramModel
internal import CentramPluginAPI
internal import Foundation

/// A configuration on its way to an output folder.
public struct MergeJob: Sendable {
  let documents: [MergeDocument]
  let operators: OperatorChoice
  public var options: MergeOptions

  /// - Parameters:
  ///   - configuration: the text of the configuration file.
  ///   - name: its name, for messages.
  /// - Throws: `.configuration`.
  public init(configuration: String, name: String, operators: OperatorChoice, options: MergeOptions) throws(MergeError) {
    documents = try MergeDocument.parse(yaml: configuration, name: name)
    (self.operators, self.options) = (operators, options)
  }

  /// Documents that need the output of others.
  public var dependentDocuments: Int { documents.count { !$0.dependencies.isEmpty } }

  /// What would be done, without reading a tensor. Later documents need the output of earlier ones, so their plans are
  /// known only when those ran.
  public func plans() throws(MergeError) -> [MergeForecast] {
    var forecasts: [MergeForecast] = []
    for document in documents where document.dependencies.isEmpty {
      forecasts.append(try start(document, documents: [:]).forecast)
    }
    return forecasts
  }

  /// Carries it out. The output has its name only when it is whole; an interrupted run leaves nothing.
  /// - Parameter willStart: told before each document how much there is to do.
  public func run(
    output: String, observer: MergeObserver, willStart: (MergeForecast) -> Void = { _ in }
  ) throws(MergeError) -> MergeReport {
    let start = ProcessInfo.processInfo.systemUptime
    let staging = try StagingFolder(for: output) { self.options.replacesAnything || MergeJob.isReplaceable($0) }
    var options = self.options
    options.synchronizes = options.synchronizes || staging.replaces
    let pool = WorkerPool(workers: options.threads)
    var finished: [String: String] = [:]
    var report = MergeReport(output: output)
    for document in documents {
      var folder = staging.url.path
      if let name = document.name, document != documents.last {
        folder += "/.document-\(finished.count)"
        guard mkdir(folder, 0o755) == 0 else { throw MergeError(.output, "\(folder): \(String(cString: strerror(errno)))") }
        finished[name] = folder
      }
      let work = try self.start(document, documents: finished)
      willStart(work.forecast)
      for warning in work.forecast.warnings { observer.warn(warning) }
      try work.write(into: folder, title: (output as NSString).lastPathComponent, options: options, pool: pool, observer: observer)
      report.add(work.forecast)
    }
    guard !observer.isCancelled() else { throw MergeError(.cancelled, "interrupted; nothing was written") }
    for folder in finished.values { try? FileManager.default.removeItem(atPath: folder) }
    try staging.publish()
    report.seconds = ProcessInfo.processInfo.systemUptime - start
    return report
  }

  private func start(_ document: MergeDocument, documents: [String: String]) throws(MergeError) -> any DocumentWork {
    let chosen: OperatorChoice.Chosen
    do {
      chosen = try operators(document.configuration.method)
    } catch {
      throw MergeError(error, at: document.configuration.methodPlace)
    }
    if case .adapter(let rank) = document.configuration.output {
      return try AdapterWork(document, chosen: chosen, rank: rank, operators: operators, documents: documents)
    }
    guard let operation = chosen.operation as? any TensorMerging else {
      throw document.configuration.methodPlace.error("\(document.configuration.method) merges adapters only; say out: adapter and give adapters as inputs")
    }
    return try CheckpointWork(document, chosen: chosen, operation: operation, documents: documents)
  }

  /// Whether a folder is empty or an earlier output of a merge.
  static func isReplaceable(_ folder: URL) -> Bool {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path) else { return false }
    return names.isEmpty || names.contains("lineage.json")
  }
}

/// One document's merge, ready to run.
protocol DocumentWork {
  var forecast: MergeForecast { get }
  /// Writes everything into a folder that exists.
  func write(into folder: String, title: String, options: MergeOptions, pool: WorkerPool, observer: MergeObserver) throws(MergeError)
}
