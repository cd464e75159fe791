"""Classifiers behind one promise (`base.TextClassifier`); named in `registry`, kept in folders by `store`."""
