/// A moment of a transfer at which a crash must lose nothing that was acknowledged, and leave no half genome.
public enum ExchangeStep: String, Sendable, CaseIterable {
  case manifestReceived, manifestChecked, partialsOpened
  case chunkReceived, chunkWritten, chunksComplete
  case filesKept, genomeStored, completionSent
  case judged, hookCalled, verdictSent
}
