import Testing

/// Tests that switch the instruction set for the whole process, so they run one at a time.
@Suite(.serialized) struct InstructionSets {}
