internal import ArgumentParser
internal import CentramDownload
internal import CentramNode
internal import Foundation
internal import Synchronization

extension ModelCommand {
  struct Download: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "download", abstract: "Fetches a model from the hub or a mirror; a stopped download goes on where it was.",
      discussion: """
        Short names: \(ModelName.known.map(\.name).joined(separator: ", ")). Anything else as owner/name, with @revision for a branch, tag or commit. \
        Every file is checked against the digest of the listing. HF_TOKEN in the environment is sent to the hub, not to where it redirects.
        """)
    @Argument(help: "A short name, or owner/name[@revision].") var name: String
    @Option(help: ArgumentHelp("A mirror: the hub's interface, or a server with owner/name/resolve/main/SHA256SUMS.", valueName: "address")) var from: String?
    @Option(name: .customLong("file"), help: ArgumentHelp("Only files that match, such as '*q8_0.gguf'. May be given again.", valueName: "pattern"))
    var patterns: [String] = []
    @Option(name: .customLong("name"), help: ArgumentHelp("What to call it here. Default: as asked for.", valueName: "name")) var alias: String?
    @Option(help: "Attempts at a file after the first, where the connection fails.") var retries = 5
    @OptionGroup var options: StoreOptions
    @Flag(help: "Print JSON.") var json = false
    @Flag(help: "No progress.") var quiet = false

    func run() throws {
      Interrupt.watch()
      try Terminal.reporting {
        let store = try options.store()
        guard (0...100).contains(retries) else { throw ModelStoreError(.usage, "--retries \(retries): from 0 to 100") }
        var download = DownloadOptions()
        if let from { download.base = from }
        download.token = ProcessInfo.processInfo.environment["HF_TOKEN"].flatMap { $0.isEmpty ? nil : $0 }
        (download.patterns, download.retries) = (patterns, retries)
        let line = DownloadLine(isShown: !quiet && !json)
        var observer = DownloadObserver(wait: { seconds in
          let end = ProcessInfo.processInfo.systemUptime + seconds
          while ProcessInfo.processInfo.systemUptime < end, !Interrupt.isRequested { usleep(100_000) }
        })
        observer.progress = { line.show($0, $1, $2) }
        observer.isCancelled = { Interrupt.isRequested }
        observer.note = { [quiet] message in
          line.clear()
          if !quiet { Terminal.note(message) }
        }
        defer { line.clear() }
        let model = try store.download(
          try ModelName(name), as: alias ?? name, with: CurlFetcher(version: CentramVersion.text), options: download, observer: observer)
        line.clear()
        if json { return try Terminal.printJSON(try StoredModelSummary(model, store)) }
        print("\(model.name): \(Terminal.count(model.files.count, "file")), \(Terminal.bytes(model.bytes)), in \(try store.path(of: model))")
      }
    }
  }
}

/// The file that is coming in: share, bytes, speed.
private final class DownloadLine: Sendable {
  private struct State {
    var file = "", firstBytes = 0, start = 0.0, drawn = 0.0
  }
  private let isShown: Bool
  private let state = Mutex(State())

  init(isShown: Bool) { self.isShown = isShown && Terminal.isInteractive }

  func show(_ file: String, _ done: Int, _ total: Int?) {
    guard isShown else { return }
    let line: String? = state.withLock { state in
      let now = ProcessInfo.processInfo.systemUptime
      if state.file != file { state = State(file: file, firstBytes: done, start: now, drawn: 0) }
      guard now - state.drawn >= 0.1 else { return nil }
      state.drawn = now
      let speed = Double(done - state.firstBytes) / max(now - state.start, 0.001)
      let share = total.map { $0 > 0 ? "\(done * 100 / $0) %  " : "" } ?? ""
      let left = total.map { speed > 1000 && $0 > done ? ", \(Terminal.duration(Double($0 - done) / speed)) left" : "" } ?? ""
      return "\r\(file)  \(share)\(Terminal.bytes(done))\(total.map { " of \(Terminal.bytes($0))" } ?? ""), \(Terminal.bytes(Int(speed)))/s\(left)\u{1b}[K"
    }
    if let line { Terminal.write(line, to: STDERR_FILENO) }
  }

  func clear() { if isShown { Terminal.write("\r\u{1b}[K", to: STDERR_FILENO) } }
}

extension ModelCommand {
  struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "import", abstract: "Takes a model of this machine into the store: a GGUF file, a safetensors file or a folder.")
    @Argument(help: "The file or folder. It is copied.", completion: .file()) var path: String
    @Option(help: "What to call it. Default: the file's or folder's name.") var name: String?
    @OptionGroup var options: StoreOptions
    @Flag(help: "Print JSON.") var json = false
    @Flag(help: "No progress.") var quiet = false

    func run() throws {
      Interrupt.watch()
      try Terminal.reporting {
        let store = try options.store()
        let line = DownloadLine(isShown: !quiet && !json)
        let done = Mutex(0)
        let model = try store.import(
          path, as: name,
          progress: { bytes in
            let now = done.withLock { done in
              done += bytes
              return done
            }
            line.show(path, now, nil)
          }, isCancelled: { Interrupt.isRequested })
        line.clear()
        if json { return try Terminal.printJSON(try StoredModelSummary(model, store)) }
        print("\(model.name): \(Terminal.count(model.files.count, "file")), \(Terminal.bytes(model.bytes)), in \(try store.path(of: model))")
      }
    }
  }
}
