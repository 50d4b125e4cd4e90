internal import ArgumentParser
internal import CentramHost
internal import CentramModel
internal import CentramNode
internal import CentramPluginAPI
internal import CentramStore
internal import Foundation

/// What a person sees: notes and errors on standard error, results on standard output.
enum Terminal {
  static let isInteractive = isatty(STDERR_FILENO) == 1

  static func note(_ message: String) { write(message + "\n", to: STDERR_FILENO) }

  static func write(_ text: String, to descriptor: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }

  /// Prints a value as JSON, its keys in order.
  static func printJSON(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    print(String(decoding: try encoder.encode(value), as: UTF8.self))
  }

  /// `1.5 GB`.
  static func bytes(_ count: Int) -> String {
    var value = Double(count), unit = 0
    while value >= 1000 && unit < 4 { (value, unit) = (value / 1000, unit + 1) }
    return unit == 0 ? "\(count) B" : String(format: "%.\(value < 10 ? 1 : 0)f %@", value, ["B", "kB", "MB", "GB", "TB"][unit])
  }

  /// `1 file`, `2 files`.
  static func count(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

  static func duration(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded())
    return whole < 60 ? "\(whole) s" : whole < 3600 ? "\(whole / 60) min \(whole % 60) s" : "\(whole / 3600) h \(whole / 60 % 60) min"
  }

  /// Runs a command's body; an error becomes one line and an exit code.
  static func reporting(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch let error as MergeError {
      note("error: \(error.message)")
      switch error.code {
      case .configuration, .input, .mismatch: throw ExitCode(65)
      case .operator: throw ExitCode(70)
      case .output: throw ExitCode(73)
      case .cancelled: throw ExitCode(130)
      default: throw ExitCode(70)
      }
    } catch let error as RoundError {
      note("error: \(error.message)")
      switch error.code {
      case .work: throw ExitCode(70)
      case .storage: throw ExitCode(73)
      case .cancelled: throw ExitCode(130)
      default: throw ExitCode(65)
      }
    } catch let error as TrainingJobError {
      note("error: \(error.message)")
      switch error.code {
      case .configuration, .data, .model: throw ExitCode(65)
      case .output: throw ExitCode(73)
      case .cancelled: throw ExitCode(130)
      default: throw ExitCode(70)
      }
    } catch let error as ModelStoreError {
      note("error: \(error.message)")
      switch error.code {
      case .usage: throw ExitCode(64)
      case .network: throw ExitCode(69)
      case .storage: throw ExitCode(73)
      case .cancelled: throw ExitCode(130)
      default: throw ExitCode(65)
      }
    } catch let error as GenomePackageError {
      note("error: \(error.message)")
      switch error.code {
      case .usage: throw ExitCode(64)
      case .storage: throw ExitCode(73)
      case .cancelled: throw ExitCode(130)
      default: throw ExitCode(65)
      }
    } catch let error as StoreError {
      note("error: \(error.message)")
      switch error.code {
      case .ambiguous: throw ExitCode(64)
      case .full, .storage, .busy: throw ExitCode(73)
      default: throw ExitCode(65)
      }
    } catch let error as SessionError {
      note("error: \(error.message)")
      throw ExitCode(error.code == .configuration ? 65 : 69)
    } catch let error as HostError {
      note("error: \(error.message)")
      throw ExitCode(69)
    } catch let error as ModelFileError {
      note("error: \(error.message)")
      throw ExitCode(error.code == .unwritable ? 73 : error.code == .cancelled ? 130 : 65)
    } catch let error as GenerationError {
      note("error: \(error.message)")
      throw ExitCode(error.code == .parameter ? 64 : 65)
    } catch let error as GateError {
      note("error: \(error.message)")
      switch error.code {
      case .settings, .incomplete, .notFound: throw ExitCode(65)
      case .storage: throw ExitCode(73)
      case .cancelled: throw ExitCode(130)
      default: throw ExitCode(69)
      }
    } catch let error as PluginError {
      note("error: \(error.message)")
      throw ExitCode(70)
    }
  }
}
