"""How fast it all is: measured side by side in one run, on the machine at hand.

==================  ================================================================================================
module              holds
==================  ================================================================================================
`timing`            contenders in turn, medians with quartiles, exponents, geometric means
`machine`           what runs, and the settings of the libraries, made before these are loaded
`run`               the whole: a process for every table and number of threads, progress, the data
`worker`            such a process
`sums`              the sum over steps against one pass, by length
`grid`              the sizes at which one pass is measured, and those that are left out
`networks`          the networks of these sizes
`agreement`         how far two right programs may be apart on them
`contenders`        one pass, the loop of `plain`, the products alone; `with_jax`, `with_torch`: the libraries
`passes`            one pass against all of these
`differences`       differences of a loss, and checks of a gradient by them, in `check_with_jax` and `check_with_torch`
`checks`            one check of a gradient, by the oracle and by others
`throughput`        how many random networks are verified a second, in each of the `ways`
`recorded`          the schema, and the data read back
`tables`            the data as tables; `words`: how numbers are written
`page`              the tables as a page in Markdown; `written`: the files in `reports/`
==================  ================================================================================================
"""

TABLES = {"sums": "per_step_sum", "passes": "one_pass", "checks": "checks", "throughput": "throughput"}
"""What can be measured, each by a module of its name, and what it is called in `benchmarks.json`."""
