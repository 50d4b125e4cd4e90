/// What peers can make this node send, fetch, keep or do about genomes, at most. Each limit is a setting (`exchange.limits.NAME` in the
/// configuration), has a default, and is counted when somebody reaches it.
public enum ExchangeLimit: String, CaseIterable, Sendable {
  case offerGenomes, offerPauseMilliseconds, offeredGenomes, offersPerPeerAndMinute, offeredGenomesPerPeer, waitingGenomes, waitingGenomesPerPeer
  case wantsPerPeerAndMinute, declinesPerPeerAndMinute, declinesRemembered, unaskedPerPeerAndMinute
  case transfers, sourcesPerTransfer, chunkRequestsPerPeer, chunkMilliseconds, stealMilliseconds, transferAttempts, partialBytes
  case chunksServed, chunksServedPerPeer, chunksPerRequest, bytesServedInFlightPerPeer
  case bytesReceivedPerDay, bytesReceivedPerPeerAndDay, genomesReceivedPerDay, genomesReceivedPerPeerAndDay
  case bytesSentPerDay, bytesSentPerPeerAndDay, genomesSentPerDay, genomesSentPerPeerAndDay
  case quarantineRetryMilliseconds, quarantineRetries
  case revocationsPerPeerAndMinute, revocationsKept, noticesPerPeerAndMinute, queriesPerPeerAndMinute
  case attestationsKept, attestationsPerSigner, fitnessKept, privacyKept, evaluations, evaluationMilliseconds

  /// What holds where nothing is configured.
  public var standard: Int {
    switch self {
    case .offerGenomes: 64
    case .offerPauseMilliseconds: 1_000
    case .offeredGenomes: 2_048
    case .offersPerPeerAndMinute: 120
    case .offeredGenomesPerPeer: 4_096
    case .waitingGenomes: 4_096
    case .waitingGenomesPerPeer: 512
    case .wantsPerPeerAndMinute: 600
    case .declinesPerPeerAndMinute: 1_200
    case .declinesRemembered: 4_096
    case .unaskedPerPeerAndMinute: 60
    case .transfers: 4
    case .sourcesPerTransfer: 8
    case .chunkRequestsPerPeer: 8
    case .chunkMilliseconds: 10_000
    case .stealMilliseconds: 1_000
    case .transferAttempts: 8
    case .partialBytes: 4 << 30
    case .chunksServed: 16
    case .chunksServedPerPeer: 4
    case .chunksPerRequest: 64
    case .bytesServedInFlightPerPeer: 4 << 20
    case .bytesReceivedPerDay: 16 << 30
    case .bytesReceivedPerPeerAndDay: 4 << 30
    case .genomesReceivedPerDay: 1_000
    case .genomesReceivedPerPeerAndDay: 400
    case .bytesSentPerDay: 64 << 30
    case .bytesSentPerPeerAndDay: 8 << 30
    case .genomesSentPerDay: 10_000
    case .genomesSentPerPeerAndDay: 1_000
    case .quarantineRetryMilliseconds: 3_600_000
    case .quarantineRetries: 8
    case .revocationsPerPeerAndMinute: 600
    case .revocationsKept: 65_536
    case .noticesPerPeerAndMinute: 600
    case .queriesPerPeerAndMinute: 240
    case .attestationsKept: 8_192
    case .attestationsPerSigner: 32
    case .fitnessKept: 4_096
    case .privacyKept: 1_024
    case .evaluations: 1
    case .evaluationMilliseconds: 3_600_000
    }
  }

  /// What is limited, for people.
  public var summary: String {
    switch self {
    case .offerGenomes: "genomes in one offer"
    case .offerPauseMilliseconds: "time between two offers to a peer"
    case .offeredGenomes: "genomes that this node offers, the newest"
    case .offersPerPeerAndMinute: "offers that a peer may send in a minute"
    case .offeredGenomesPerPeer: "genomes of a peer's offers that are remembered"
    case .waitingGenomes: "genomes that wait for their transfer"
    case .waitingGenomesPerPeer: "genomes that wait for their transfer and that one peer offered first"
    case .wantsPerPeerAndMinute: "genomes that a peer may ask for in a minute"
    case .declinesPerPeerAndMinute: "declines that a peer may send in a minute"
    case .declinesRemembered: "genomes that a peer declined and that it is not offered again"
    case .unaskedPerPeerAndMinute: "chunks and manifests that nobody asked for and that cost a peer no points, in a minute"
    case .transfers: "genomes that are fetched at a time"
    case .sourcesPerTransfer: "peers from which one genome is fetched at a time"
    case .chunkRequestsPerPeer: "chunks that are asked of a peer at a time, for one genome"
    case .chunkMilliseconds: "how long a chunk may take"
    case .stealMilliseconds: "after how long a chunk that another peer owes is asked of an idle one too"
    case .transferAttempts: "times that a genome is tried to be fetched while its peers stay connected"
    case .partialBytes: "bytes of genomes that are not whole yet"
    case .chunksServed: "chunks that are read for peers at a time"
    case .chunksServedPerPeer: "chunks that are served to one peer at a time"
    case .chunksPerRequest: "chunks of one request"
    case .bytesServedInFlightPerPeer: "bytes that wait for a peer to take them, beyond which it gets no further chunk"
    case .bytesReceivedPerDay: "bytes of genomes fetched in a day"
    case .bytesReceivedPerPeerAndDay: "bytes of genomes fetched from a peer in a day"
    case .genomesReceivedPerDay: "genomes fetched in a day"
    case .genomesReceivedPerPeerAndDay: "genomes fetched in a day from one peer first"
    case .bytesSentPerDay: "bytes of genomes sent in a day"
    case .bytesSentPerPeerAndDay: "bytes of genomes sent to a peer in a day"
    case .genomesSentPerDay: "manifests of genomes sent in a day"
    case .genomesSentPerPeerAndDay: "manifests of genomes sent to a peer in a day"
    case .quarantineRetryMilliseconds: "after how long a genome in quarantine is judged again; each further time it is twice as long"
    case .quarantineRetries: "times that a genome in quarantine is judged again"
    case .revocationsPerPeerAndMinute: "revocations that a peer may send in a minute"
    case .revocationsKept: "revocations beyond which none is taken of a genome that is not here"
    case .noticesPerPeerAndMinute: "verdicts, notices, statements and proofs that a peer may send in a minute"
    case .queriesPerPeerAndMinute: "questions about lineage, judgements and fitness that a peer may ask in a minute"
    case .attestationsKept: "judgements of others that are remembered"
    case .attestationsPerSigner: "judgements of one node on one genome that are remembered, the latest"
    case .fitnessKept: "measurements of others that are remembered"
    case .privacyKept: "privacy statements of others that are remembered"
    case .evaluations: "evaluations for peers at a time"
    case .evaluationMilliseconds: "how long an evaluation by a peer is waited for"
    }
  }
}
