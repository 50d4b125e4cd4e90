import Testing

@testable import CentramNode

@Suite struct NearestNameTests {
  @Test func findsSlipsOfTheKeys() {
    let known = ["density", "weight", "lambda", "t"]
    #expect(NearestName.find("densty", among: known) == "density")
    #expect(NearestName.find("wieght", among: known) == "weight")
    #expect(NearestName.find("Lambda", among: known) == "lambda")
    #expect(NearestName.find("lamda", among: known) == "lambda")
    #expect(NearestName.find("tt", among: known) == "t")
  }

  @Test func leavesOtherWordsAlone() {
    #expect(NearestName.find("scale", among: ["density", "weight"]) == nil)
    #expect(NearestName.find("", among: ["t"]) == "t")
    #expect(NearestName.find("x", among: []) == nil)
    #expect(NearestName.find(String(repeating: "density", count: 10_000), among: ["density"]) == nil)
  }

  @Test func hintsNameTheNearestOrAll() {
    #expect(NearestName.hint("densty", among: ["weight", "density"]) == "; did you mean density?")
    #expect(NearestName.hint("zzz", among: ["weight", "density"]) == "; known here: density, weight")
    #expect(NearestName.hint("zzz", among: [String]()) == "; there are none here")
  }
}
