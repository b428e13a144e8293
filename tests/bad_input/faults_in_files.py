"""Files that are no table of patients."""

from __future__ import annotations

from fault import data, line

FILES = {
    "no such file": data("patients.csv: there is no such file", "check the path", file="!patients.csv"),
    "a directory": data("this is a directory", "give the path of a table", file="folder.csv/"),
    "an empty file": data("patients.csv: the file is empty", "give a table with a header", content=b""),
    "only blank lines": data("the file is empty", "give a table", content=b"\n \n\n"),
    "a header and no rows": data("has no rows", "give a table with one row a patient", content=b"time,event,group,age\n"),
    "an Excel workbook called csv": data("an Excel workbook", "save it as 'CSV UTF-8", content=b"PK\x03\x04\x14\x00\x06\x00"),
    "an Excel workbook": data(
        "files ending in '.xlsx' are not read", "save it as 'CSV UTF-8", content=b"PK\x03\x04", file="p.xlsx"
    ),
    "an SPSS file": data(
        "files ending in '.sav' are not read", "open it in the program that wrote it", content=b"$FL2", file="p.sav"
    ),
    "a SAS file": data("files ending in '.sas7bdat' are not read", "save it as", content=b"\x00\x00", file="p.sas7bdat"),
    "a tab-separated file by name": data("files ending in '.tsv' are not read", "save it as", content=b"a\tb", file="p.tsv"),
    "binary": data("binary file", "save it as 'CSV UTF-8", content=b"time,event\n\x00\x01\x02\n"),
    "UTF-16 text": data("UTF-16", "save it as 'CSV UTF-8", content="time,event\n1,1\n".encode("utf-16")),
    "Latin-1 text": data("line 3 holds byte 0xe9", "CSV UTF-8", content="time,group\n1,a\n2,Régime\n".encode("latin-1")),
    "no Parquet file": data("not a Parquet file", "write it again", content=b"time,event\n1,1\n", file="patients.parquet"),
    "Parquet called csv": data("a Parquet file (its name must end in .parquet)", content=b"PAR1\x15\x04"),
    "semicolons": data("separated by semicolons", "commas between columns", text=lambda text: text.replace(",", ";")),
    "tabs": data("separated by tabs", "decimals with a point", text=lambda text: text.replace(",", "\t")),
    "two columns of one name": data(
        "'age' names more than one column", "rename or remove", text=line(1, "time,event,group,age,age,entry,n,who")
    ),
    "a column without a name": data("column 1 has no name", "row.names = FALSE", text=line(1, ",event,group,sex,age,entry,n,who")),
    "a row too long": data(
        "row 4 (the first below the header is 1) has 9 fields", "double quotes", text=line(5, "12,5,1,a,f,60,0,1,p3")
    ),
    "a row too short": data("row 4 (the first below the header is 1) has 5 fields", "complete it", text=line(5, "12,1,a,f,60")),
    "a blank line inside": data("row 7 (the first below the header is 1) has 0 fields", "delete the blank line", text=line(8, "")),
    "an open quote": data("cannot be split into fields", "close every double quote", text=line(5, '12,1,"a,f,60,0,1,p3')),
}
