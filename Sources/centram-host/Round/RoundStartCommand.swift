internal import ArgumentParser
internal import CentramNode
internal import Foundation

extension RoundCommand {
  struct Start: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "start", abstract: "Begins a round that this node coordinates; with --data it takes part, too.",
      discussion: "When the last step is final, the result becomes a genome of this node. Other settings of the trainer are JSON: --trainer-parameters '{\"rank\": 8}'.")
    @Option(help: ArgumentHelp("The base model: a folder or a file.", valueName: "path")) var base: String
    @Option(help: ArgumentHelp("What this node trains on; without it, it only coordinates.", valueName: "path")) var data: String?
    @Option(help: "Domain of the round, and of the genome that it makes.") var domain = ""
    @Option(help: "The trainer.") var trainer = "trainer.lora"
    @Option(help: ArgumentHelp("The trainer's parameters as a JSON object.", valueName: "json")) var trainerParameters = "{}"
    @Option(help: "The merge operator that aggregates. With merge.lora_cat the same bytes come out on every machine.") var aggregator = "merge.lora_cat"
    @Option(help: ArgumentHelp("The operator's parameters as a JSON object.", valueName: "json")) var aggregatorParameters = ""
    @Option(help: "Local steps between two aggregates.") var localSteps: UInt32 = 50
    @Option(help: "Outer steps.") var outerSteps: UInt32 = 6
    @Option(help: "Learning rate of the outer optimiser.") var outerLearningRate = 1.0
    @Option(help: "Nesterov momentum of the outer optimiser, from 0 to below 1.") var outerMomentum = 0.0
    @Option(help: "Participants without which it does not begin.") var minimum: UInt32 = 2
    @Option(help: "Participants that it takes at most, up to 256.") var maximum: UInt32 = 16
    @Option(help: "Share of the participants whose votes make an aggregate final, in basis points from 5001.") var quorum: UInt32 = 6_667
    @Option(help: "Bound on an update's norm by the norm of the base's weights; 0 for none.") var maximumRelativeNorm = 0.0
    @Option(help: "ε that each participant may spend in the whole round, with --trainer trainer.dp-lora and a clip_norm in its parameters; 0: it is not private.")
    var maximumEpsilon = 0.0
    @Option(help: "How long one can join.") var joinSeconds = 300
    @Option(help: "Time for the local steps of one outer step.") var stepSeconds = 3_600
    @Option(help: "Time for showing updates.") var revealSeconds = 300
    @Option(help: "Time for votes.") var voteSeconds = 600
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      try Terminal.reporting {
        var request = NodeRounds.StartRequest(base: RoundCommand.absolute(base))
        (request.data, request.domain, request.trainer, request.trainerParameters) = (data.map(RoundCommand.absolute), domain, trainer, trainerParameters)
        (request.aggregator, request.aggregatorParameters, request.localSteps, request.outerSteps) = (aggregator, aggregatorParameters, localSteps, outerSteps)
        (request.outerLearningRate, request.outerMomentum) = (outerLearningRate, outerMomentum)
        (request.minimumParticipants, request.maximumParticipants, request.quorum, request.maximumRelativeNorm) = (minimum, maximum, quorum, maximumRelativeNorm)
        (request.joinSeconds, request.stepSeconds, request.revealSeconds, request.voteSeconds) = (joinSeconds, stepSeconds, revealSeconds, voteSeconds)
        request.maximumEpsilon = maximumEpsilon
        let answer = try RoundCommand.ask("start", request)
        if json { return try Terminal.printJSON(answer) }
        print(answer.round ?? "")
      }
    }
  }
}
