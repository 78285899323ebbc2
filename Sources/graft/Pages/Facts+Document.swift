import Canonical
import JSON
import Layouts

extension LayerCost {
  /// The cost as the fields of a document.
  var json: JSONObject {
    [
      "parameters": JSONValue(parameters),
      "state_values": JSONValue(stateValues),
      "state_bytes": JSONValue(4 * stateValues),
      "state_values_per_position": JSONValue(stateValuesPerPosition),
      "convolution_values": JSONValue(convolutionValues),
      "flops_per_token": JSONValue(flopsPerToken),
    ]
  }
}

extension Facts {
  /// The facts as the fields of a document, by name.
  var json: JSONObject { JSONObject(sorted { $0.key < $1.key }.map { ($0.key, $0.value.json) }) }
}
