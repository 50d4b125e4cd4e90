import Testing
@Suite struct PlaceholderNode { @Test func builds() { #expect(Bool(true)) } }
