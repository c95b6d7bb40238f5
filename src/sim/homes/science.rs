//! What data scientists keep: notebooks with outputs, tables, models, Data Wrangler flows.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::tree::Tree;

/// Writes notebooks into a folder, some with the copy that JupyterLab keeps beside them.
pub(super) fn notebooks(tree: &mut Tree, folder: &str, count: usize) -> io::Result<()> {
    for number in 1..=count {
        let name = format!("{number:02} {}", tree.sentence(2));
        let text = notebook(tree).to_string();
        tree.file(format!("{folder}/{name}.ipynb"), &text)?;
        if number % 2 == 0 {
            // The automatic copy is of an earlier state.
            let earlier = &text.as_bytes()[..text.len() / 2];
            tree.file(format!("{folder}/.ipynb_checkpoints/{name}-checkpoint.ipynb"), earlier)?;
        }
    }
    let helper = format!("def load():\n    return \"{}\"\n", tree.sentence(3));
    tree.file(format!("{folder}/helpers.py"), helper)?;
    let compiled = tree.bytes(400);
    tree.file(format!("{folder}/__pycache__/helpers.cpython-37.pyc"), compiled)
}

fn notebook(tree: &mut Tree) -> Value {
    let count = tree.between(3, 9);
    let cells: Vec<Value> = (1..=count).map(|number| cell(tree, number)).collect();
    json!({
        "cells": cells,
        "metadata": {
            "instance_type": "ml.t3.medium",
            "kernelspec": {
                "display_name": "Python 3 (Data Science)",
                "language": "python",
                "name": "python3__SAGEMAKER_INTERNAL__arn:aws:sagemaker:eu-west-1:470317259841:image/datascience-1.0",
            },
            "language_info": {"name": "python", "version": "3.7.10"},
        },
        "nbformat": 4,
        "nbformat_minor": 4,
    })
}

fn cell(tree: &mut Tree, number: usize) -> Value {
    if number % 3 == 1 {
        let words = tree.between(4, 20);
        return json!({"cell_type": "markdown", "metadata": {}, "source": [format!("# {}", tree.sentence(words))]});
    }
    let (word, rows) = (tree.word(), tree.between(10, 90_000));
    let mut outputs = vec![
        json!({"name": "stdout", "output_type": "stream", "text": [format!("{rows} rows of {word}\n")]}),
    ];
    if number.is_multiple_of(3) {
        let size = tree.between(2_000, 20_000);
        let image = STANDARD.encode(tree.bytes(size));
        outputs.push(json!({
            "data": {"image/png": image, "text/plain": ["<Figure size 432x288 with 1 Axes>"]},
            "metadata": {},
            "output_type": "display_data",
        }));
    }
    json!({
        "cell_type": "code",
        "execution_count": number,
        "metadata": {},
        "outputs": outputs,
        "source": [format!("{word} = load(\"{word}.csv\")\n"), format!("print(len({word}))")],
    })
}

/// Writes tables into a folder, and a link to the newest.
pub(super) fn data(tree: &mut Tree, folder: &str, count: usize) -> io::Result<()> {
    for number in 1..=count {
        let rows = tree.between(500, 6_000);
        let mut text = String::from("id,region,value\n");
        for row in 0..rows {
            let value = tree.between(0, 99_999);
            text.push_str(&format!("{row},{},{value}\n", value % 7));
        }
        tree.file(format!("{folder}/part-{number:03}.csv"), text)?;
    }
    tree.link(format!("{folder}/latest.csv"), format!("part-{count:03}.csv"))
}

/// Writes trained models into a folder, of one to three MiB.
pub(super) fn models(tree: &mut Tree, folder: &str, count: usize) -> io::Result<()> {
    for number in 1..=count {
        let size = tree.between(1 << 20, 3 << 20);
        let weights = tree.bytes(size);
        let word = tree.word();
        tree.file(format!("{folder}/{word}-{number}.pkl"), weights)?;
    }
    Ok(())
}

/// Writes one file of so many MiB.
pub(super) fn large(tree: &mut Tree, path: &str, mebibytes: u64) -> io::Result<()> {
    tree.large(path, mebibytes)
}

/// Writes Data Wrangler flows, which Classic kept in the home.
pub(super) fn flows(tree: &mut Tree, folder: &str, count: usize) -> io::Result<()> {
    for number in 1..=count {
        let node = tree.hex(8);
        let flow = json!({
            "metadata": {"version": 1, "disable_limits": false},
            "nodes": [{
                "node_id": node,
                "type": "SOURCE",
                "operator": "sagemaker.s3_source_0.1",
                "parameters": {"dataset_definition": {"name": format!("{}.csv", tree.word())}},
            }],
        });
        tree.file(format!("{folder}/untitled {number}.flow"), flow.to_string())?;
    }
    Ok(())
}
