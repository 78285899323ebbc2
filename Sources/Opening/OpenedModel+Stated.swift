import Canonical
import JSON
import Layouts

extension OpenedModel {
  /// The model as the config describes it; the number of stored rows of the vocabulary may be another.
  package var statedConfiguration: ModelConfiguration {
    (try? layout.configuration(from: checkpoint.config ?? .null)) ?? configuration
  }
}
