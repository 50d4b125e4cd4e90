internal import ArgumentParser
internal import Foundation

/// Makes the checkpoints of the main job by training, and measures what comes of them.
@main
struct Demo: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "centram-demo", abstract: "Trains small checkpoints on real text, and measures merged ones.", subcommands: [Make.self, Measure.self])

  struct Make: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Trains a base on prose and code, then one copy on more prose and one on more code; writes FOLDER/{base,prose,code}.")
    @Argument(help: "Where the checkpoints go.") var folder: String
    @Option(help: "The checkout, for its sources as text.") var repository = "."
    @Option(help: "Steps of the base; the two others train half as many more.") var steps = 600

    func run() throws {
      let prose = try Corpus.prose(repository: repository), code = try Corpus.code(repository: repository)
      print("text: \(prose.training.count) bytes of prose, \(code.training.count) of code; a tenth more of each is held out")
      var base = ByteModel(seed: 1)
      // Each kind shortened to the same length, so that the base knows both alike.
      let length = min(prose.training.count, code.training.count)
      base.train(on: Array(prose.training[..<length]) + code.training[..<length], steps: steps, rate: 3e-3, seed: 2)
      try base.save(folder + "/base")
      for (name, text, seed) in [("prose", prose, 3), ("code", code, 4)] {
        var copy = base
        copy.train(on: text.training, steps: steps / 2, rate: 1e-3, seed: UInt64(seed))
        try copy.save(folder + "/" + name)
      }
    }
  }

  struct Measure: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Prints each checkpoint's loss on held-out prose and code.")
    @Argument(help: "Checkpoint folders.") var folders: [String]
    @Option(help: "The checkout, for its sources as text.") var repository = "."

    func run() throws {
      let prose = try Corpus.prose(repository: repository), code = try Corpus.code(repository: repository)
      print("held-out loss, nat a byte".padding(toLength: 34, withPad: " ", startingAt: 0) + "prose    code    mean")
      for folder in folders {
        let model = try ByteModel(folder: folder)
        let losses = [model.evaluate(prose.heldOut), model.evaluate(code.heldOut)]
        let name = (folder as NSString).lastPathComponent.padding(toLength: 32, withPad: " ", startingAt: 0)
        print(name + (losses + [(losses[0] + losses[1]) / 2]).map { String(format: "%7.3f ", $0) }.joined())
      }
    }
  }
}
