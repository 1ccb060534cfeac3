// The networks of the catalogue that are layers of recipes and model files.
#include "gradus/models/models.hpp"
#include "gradus/nn/factory.hpp"

namespace gradus::nn {

std::span<const LayerKind> catalogue_kinds() {
  using namespace models;
  static constexpr LayerKind kinds[] = {
      {"BERT", "a Transformer that reads texts: a vector for each token", [] { return Layer(BERT(BERTOptions::tiny())); }},
      {"CharRNN", "a recurrent language model", [] { return Layer(CharRNN()); }},
      {"GPT", "a Transformer that says which token comes next", [] { return Layer(GPT()); }},
      {"GraphEmbedding", "a knowledge graph: from an entity and a relation to the entities that they lead to",
       [] { return Layer(GraphEmbedding()); }},
      {"LSTMClassifier", "texts to classes by an LSTM", [] { return Layer(LSTMClassifier()); }},
      {"MaskedLanguageModel", "BERT that guesses hidden tokens", [] { return Layer(MaskedLanguageModel(BERTOptions::tiny())); }},
      {"MatrixFactorisation", "pairs of a user and an item to ratings by products", [] { return Layer(MatrixFactorisation()); }},
      {"MonotoneMLP", "a network whose outputs rise or fall with chosen inputs", [] { return Layer(MonotoneMLP()); }},
      {"NeuMF", "pairs of a user and an item to the logit of a click", [] { return Layer(NeuMF()); }},
      {"SeriesForecaster", "windows of a series to its next steps", [] { return Layer(SeriesForecaster()); }},
      {"TableInput", "rows of numbers and codes of categories to vectors", [] { return Layer(TableInput()); }},
      {"TableMLP", "rows of a table to classes or numbers by dense layers", [] { return Layer(TableMLP()); }},
      {"TableResNet", "rows of a table to classes or numbers by residual blocks", [] { return Layer(TableResNet()); }},
      {"TextCNN", "texts to classes by convolutions", [] { return Layer(TextCNN()); }},
      {"TranslationTransformer", "a Transformer that reads one text and says what follows in another",
       [] { return Layer(TranslationTransformer()); }},
      {"TwoTower", "pairs of a user and an item to a score by a tower for each", [] { return Layer(TwoTower()); }}};
  return kinds;
}

}  // namespace gradus::nn
